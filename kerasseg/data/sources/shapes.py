"""The generated data set, as the catalogue knows it."""

from kerasseg.data import shapes
from kerasseg.data.data_set import DataSet
from kerasseg.data.folder import find_pairs

_LAYOUT = """\
train/images/00000.jpg
train/labels/00000.png
val/images/00000.jpg
val/labels/00000.png
dataset.json"""

DATA_SET = DataSet(
    name="shapes",
    title="shapes",
    labels=shapes.LABELS,
    images={"train": 2400, "val": 150},
    licence="Apache 2.0, as kerasseg, which draws it where it is missing",
    homepage="",
    paper="",
    layout=_LAYOUT,
    read=find_pairs,
)
