"""Whole images and label maps as a data set, by name or from a directory."""

import os
from collections.abc import Sequence

import tensorflow as tf

from kerasseg.data import catalogue
from kerasseg.data.checking import OnError, check_pairs, say_skipped
from kerasseg.data.coco_json import CocoJson
from kerasseg.data.folder import find_pairs
from kerasseg.data.label_encoding import CLASS_IDS, LabelEncoding
from kerasseg.data.pair import Pair
from kerasseg.data.reading import reader
from kerasseg.data.records import open_records, tfds
from kerasseg.data.streams import ExampleStream
from kerasseg.errors import KerassegError, unknown_name
from kerasseg.label_set import LabelSet

_OWN = {
    "folder": "load_folder(data_dir, split, labels)",
    "coco_json": "load_coco(data_dir, split)",
}


def load(
    name: str,
    split: str,
    data_dir: str | os.PathLike[str] | None = None,
    on_error: OnError = "raise",
) -> tf.data.Dataset:
    """Returns a split of a data set that has a name: whole images and their label maps.

    Every example is read once and checked before; records were checked when they were made.

    Args:
        name: One of `kerasseg.data.names()`; `"records"` for what `training.prepare` wrote; or
            `"tfds:cityscapes"`, `"tfds:oxford_iiit_pet"` or `"tfds:scene_parse150"`, which
            TensorFlow Datasets has prepared. The last has ADE20K's classes, but its label maps
            hold only the 100 that have instances; all else is void.
        split: One of `kerasseg.data.describe(name).splits`; of TensorFlow Datasets its own name
            or that of the catalogue.
        data_dir: Where the data set lies, in the tree that `kerasseg.data.describe(name).layout`
            shows. `"shapes"` is generated where none is given.
        on_error: As for `check_pairs`; not for records.

    Returns:
        A data set of `(image, label)`: uint8 `(H, W, 3)` and int32 `(H, W)`, in the order of
        `DataSet.find`; its length is known.

    Raises:
        KerassegError: If the data set or the split is missing or a file is not as it should be.

    Example:
        >>> from kerasseg.data import shapes
        >>> folder = shapes.ensure("shapes", train=2, val=1)
        >>> train = load("shapes", "train", data_dir=folder)
        >>> len(train)
        2
    """
    if name in tfds.names():
        return _decoded(tfds.open_tfds(name, split, data_dir, on_error))
    if name == "records":
        if data_dir is None:
            raise KerassegError("records need data_dir, the directory that training.prepare wrote.")
        if on_error != "raise":
            raise KerassegError(
                "records were checked when they were made, so that on_error has no effect: give it "
                "to training.prepare (--on-error), and leave it out here."
            )
        return _decoded(open_records(data_dir).split(split))
    if name in _OWN:
        raise KerassegError(
            f"{name!r} is a directory of your own, which has no name: call kerasseg.data."
            f"{_OWN[name]}."
        )
    if name not in catalogue.names():
        raise unknown_name("data set", name, ("records", *tfds.names(), *catalogue.names()))
    data_set = catalogue.describe(name)
    pairs = data_set.find(split, catalogue.locate(name, data_dir))
    return dataset(pairs, data_set.labels, on_error)


def load_folder(
    data_dir: str | os.PathLike[str],
    split: str,
    labels: LabelSet,
    encoding: LabelEncoding = CLASS_IDS,
    on_error: OnError = "raise",
) -> tf.data.Dataset:
    """Returns a split of a folder data set of one's own: whole images and their label maps.

    Every file is read once and checked before.

    Args:
        data_dir: The directory, laid out as `find_pairs` says.
        split: The folder in it: `"train"`, `"val"`.
        labels: The classes and the void label of the label maps.
        encoding: How the label maps store them: as their ids, by default.
        on_error: As for `check_pairs`.

    Returns:
        A data set of `(image, label)`: uint8 `(H, W, 3)` and int32 `(H, W)`, in the order of
        the names; its length is known.

    Raises:
        KerassegError: If the split is missing or a file is not as it should be.

    Example:
        >>> from kerasseg.data import shapes
        >>> folder = shapes.ensure("my_data", train=2, val=1)
        >>> labels = LabelSet(shapes.CLASS_NAMES, ignore_label=255)
        >>> image, label = next(iter(load_folder(folder, "val", labels)))
        >>> image.dtype, label.dtype
        (tf.uint8, tf.int32)
    """
    return dataset(find_pairs(data_dir, split, encoding), labels, on_error)


def load_coco(
    data_dir: str | os.PathLike[str], split: str, on_error: OnError = "raise"
) -> tf.data.Dataset:
    """Returns a split of data of one's own with annotations in COCO's format.

    Every file is read once and checked before.

    Args:
        data_dir: The directory, laid out as `CocoJson` says.
        split: One of `CocoJson(data_dir).splits`.
        on_error: As for `check_pairs`.

    Returns:
        A data set of `(image, label)`: uint8 `(H, W, 3)` and int32 `(H, W)`, in the order of the
        names; its length is known. The classes are those of `CocoJson(data_dir).labels`.

    Raises:
        KerassegError: If the split is missing or a file is not as it should be.

    Example:
        >>> import json
        >>> from pathlib import Path
        >>> import keras
        >>> import numpy as np
        >>> folder = Path("leaves/train")
        >>> folder.mkdir(parents=True)
        >>> keras.utils.save_img(folder / "one.png", np.zeros((30, 40, 3)))
        >>> contents = {
        ...     "images": [{"id": 1, "file_name": "one.png", "height": 30, "width": 40}],
        ...     "categories": [{"id": 1, "name": "leaf"}],
        ...     "annotations": [
        ...         {
        ...             "image_id": 1,
        ...             "category_id": 1,
        ...             "segmentation": [[0, 0, 20, 0, 20, 10, 0, 10]],
        ...         }
        ...     ],
        ... }
        >>> _ = (folder / "_annotations.coco.json").write_text(json.dumps(contents))
        >>> image, label = next(iter(load_coco("leaves", "train")))
        >>> image.shape, int(tf.reduce_sum(label))
        (TensorShape([30, 40, 3]), 200)
    """
    source = CocoJson(data_dir)
    return dataset(source.find(split), source.labels, on_error)


def dataset(
    pairs: Sequence[Pair], labels: LabelSet, on_error: OnError = "raise"
) -> tf.data.Dataset:
    """Returns pairs as a data set of `(image, label)`, uint8 and int32, after a look at each."""
    kept = check_pairs(pairs, labels, on_error=on_error)
    indices = tf.data.Dataset.range(len(kept))
    return indices.map(reader(kept), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def _decoded(stream: ExampleStream) -> tf.data.Dataset:
    """Returns a stream as a data set of `(image, label)`, uint8 and int32, in its order."""
    say_skipped(stream.skipped, len(stream) + len(stream.skipped))
    examples = stream.in_order().map(
        lambda name, image, label: stream.decode(image, label),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    return examples.apply(tf.data.experimental.assert_cardinality(len(stream)))
