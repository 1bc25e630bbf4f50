"""Sharded TFRecord files of images and label maps, for data sets that live in a bucket.

Each record holds an image file as it is, its label map as a grey PNG of class ids, and the name of
the image; `dataset.json` beside them says what they are, with the checksum of every file.
"""

from kerasseg.data.records.sources import ExampleSource, PairSource
from kerasseg.data.records.split import Records, RecordSplit, open_records, verify

__all__ = ["ExampleSource", "PairSource", "RecordSplit", "Records", "open_records", "verify"]
