"""Random changes of an image and its label map, as pure functions of (example, seed).

One draw moves both. Labels are only ever moved, never blended, and what is not seen is void. The
same seed gives the same result in eager mode and inside `tf.data.Dataset.map`.
"""

from kerasseg.data.augmentation.augmentation import Augmentation
from kerasseg.data.augmentation.void import FILL_COLOUR

__all__ = ["FILL_COLOUR", "Augmentation"]
