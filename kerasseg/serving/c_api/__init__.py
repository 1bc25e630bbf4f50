"""A SavedModel run through TensorFlow's C API, with NumPy and nothing of Python TensorFlow.

TensorFlow Serving is built of the same loader and the same kernels, so what runs here needs
neither Keras nor kerasseg. The folder stands alone: started by its path
(`python -I kerasseg/serving/c_api SAVED_MODEL`) it answers requests in a process that imports
neither.
"""

from .session import SavedModelError, SavedModelSession

__all__ = ["SavedModelError", "SavedModelSession"]
