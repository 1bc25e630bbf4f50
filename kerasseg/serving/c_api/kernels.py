"""Which operations TensorFlow's own C++ library can run."""

import ctypes

from .library import load_library
from .signature_def import messages, text

# Field numbers of KernelList and KernelDef.
_KERNEL = 1
_OPERATION, _DEVICE = 1, 2


def registered_operations(device: str = "CPU") -> set[str]:
    """Returns the names of the operations that have a kernel for a kind of device.

    Args:
        device: `"CPU"` or `"GPU"`.
    """
    library = load_library()
    status = library.TF_NewStatus()
    buffer = library.TF_GetAllRegisteredKernels(status)
    try:
        kernels = ctypes.string_at(buffer.contents.data, buffer.contents.length)
        found = messages(memoryview(kernels), _KERNEL)
        # A kernel for "DEFAULT" runs on every device.
        devices = (device, "DEFAULT")
        return {text(each, _OPERATION) for each in found if text(each, _DEVICE) in devices}
    finally:
        library.TF_DeleteBuffer(buffer)
        library.TF_DeleteStatus(status)
