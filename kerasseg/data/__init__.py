"""Image and label files to tf.data batches: finding, checking, reading, augmenting."""

from kerasseg.data.augmentation import Augmentation
from kerasseg.data.batches import evaluation_batches, training_batches
from kerasseg.data.catalogue import describe, locate, names
from kerasseg.data.checking import check_pairs
from kerasseg.data.folder import Pair, find_pairs, fingerprint
from kerasseg.data.memory import decoded_bytes
from kerasseg.data.reading import load, load_folder, read_pair

__all__ = [
    "Augmentation",
    "Pair",
    "check_pairs",
    "decoded_bytes",
    "describe",
    "evaluation_batches",
    "find_pairs",
    "fingerprint",
    "load",
    "load_folder",
    "locate",
    "names",
    "read_pair",
    "training_batches",
]
