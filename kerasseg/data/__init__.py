"""Image and label files to tf.data batches: finding, checking, reading, augmenting."""

from kerasseg.data.augmentation import Augmentation
from kerasseg.data.batches import evaluation_batches, training_batches
from kerasseg.data.catalogue import describe, locate, names
from kerasseg.data.checking import check_pairs
from kerasseg.data.coco_json import CocoJson
from kerasseg.data.data_set import DataSet
from kerasseg.data.decoded import decoded_bytes
from kerasseg.data.doctor.class_weights import ClassHistogram, class_histogram, class_weights
from kerasseg.data.folder import find_pairs, fingerprint
from kerasseg.data.label_encoding import LabelEncoding
from kerasseg.data.loading import load, load_coco, load_folder
from kerasseg.data.pair import Pair
from kerasseg.data.reading import read_pair
from kerasseg.data.records import open_records
from kerasseg.data.records import verify as verify_records

__all__ = [
    "Augmentation",
    "ClassHistogram",
    "CocoJson",
    "DataSet",
    "LabelEncoding",
    "Pair",
    "check_pairs",
    "class_histogram",
    "class_weights",
    "decoded_bytes",
    "describe",
    "evaluation_batches",
    "find_pairs",
    "fingerprint",
    "load",
    "load_coco",
    "load_folder",
    "locate",
    "names",
    "open_records",
    "read_pair",
    "training_batches",
    "verify_records",
]
