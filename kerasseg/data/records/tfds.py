"""The data sets of TensorFlow Datasets that have label maps."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from kerasseg.data import catalogue
from kerasseg.data.checking import OnError
from kerasseg.data.examples import Example
from kerasseg.data.label_encoding import LabelEncoding
from kerasseg.data.records.survey import survey
from kerasseg.data.sources import cityscapes, oxford_iiit_pet
from kerasseg.data.streams import ExampleStream, shuffled
from kerasseg.errors import KerassegError, first_line, unknown_name
from kerasseg.label_set import LabelSet

PREFIX = "tfds:"
# The 100 things of ADE20K that have instances, as class ids of its 150 classes.
# fmt: off
_THINGS = (
    7, 8, 10, 12, 14, 15, 18, 19, 20, 22, 23, 24, 27, 30, 31, 32, 33, 35, 36, 37, 38, 39, 41, 42,
    43, 44, 45, 47, 49, 50, 53, 55, 56, 57, 58, 62, 64, 65, 66, 67, 69, 70, 71, 72, 73, 74, 75, 76,
    78, 80, 81, 82, 83, 85, 86, 87, 88, 89, 90, 92, 93, 95, 97, 98, 102, 103, 104, 107, 108, 110,
    111, 112, 115, 116, 118, 119, 120, 121, 123, 124, 125, 126, 127, 129, 130, 132, 133, 134, 135,
    136, 137, 138, 139, 142, 143, 144, 146, 147, 148, 149,
)
# fmt: on


def _red_channel(label: tf.Tensor) -> tf.Tensor:
    """Returns the first channel of an encoded PNG as a grey PNG."""
    return tf.io.encode_png(tf.io.decode_png(label, channels=3)[..., :1])


@dataclass(frozen=True)
class _Entry:
    """Where TensorFlow Datasets keeps what, and what the catalogue calls it.

    Attributes:
        data_set: The name in the catalogue, which has the classes.
        image: Feature of the image.
        label: Feature of the label map.
        name: Feature of a name, if there is one.
        suffix: What the name lacks.
        splits: The splits of TensorFlow Datasets by the names of the catalogue.
        encoding: How the label maps store the classes.
        label_of: From the stored label map to a PNG that the encoding knows.
        by_hand: The archives that have to be fetched by hand.
    """

    data_set: str
    image: str
    label: str
    name: str | None
    suffix: str
    splits: Mapping[str, str]
    encoding: LabelEncoding
    label_of: Callable[[tf.Tensor], tf.Tensor] = field(default=tf.identity)
    by_hand: str = ""


_ENTRIES = {
    "cityscapes": _Entry(
        data_set="cityscapes",
        image="image_left",
        label="segmentation_label",
        name="image_id",
        suffix=".png",
        splits={"val": "validation"},
        encoding=cityscapes.ENCODING,
        by_hand="leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip",
    ),
    "oxford_iiit_pet": _Entry(
        data_set="oxford_iiit_pet",
        image="image",
        label="segmentation_mask",
        name="file_name",
        suffix="",
        splits={"trainval": "train"},
        encoding=oxford_iiit_pet.ENCODING,
    ),
    # Its builder takes ADE20K's instances: red is one of 100 things, green the instance.
    "scene_parse150": _Entry(
        data_set="ade20k",
        image="image",
        label="annotation",
        name=None,
        suffix=".jpg",
        splits={"val": "test"},
        encoding=LabelEncoding(ids={0: 255} | dict(enumerate(_THINGS, start=1))),
        label_of=_red_channel,
    ),
}


def names() -> tuple[str, ...]:
    """Returns the names that `labels_of` takes."""
    return tuple(PREFIX + name for name in _ENTRIES)


def labels_of(name: str) -> LabelSet:
    """Returns the classes and the void label, those of the catalogue's entry.

    Args:
        name: `"tfds:cityscapes"`, `"tfds:oxford_iiit_pet"`, or `"tfds:scene_parse150"`, whose
            label maps hold 100 of ADE20K's 150 classes: things; stuff is void in them.

    Raises:
        KerassegError: If it is none of these.
    """
    return catalogue.describe(_entry(name).data_set).labels


def _entry(name: str) -> _Entry:
    if name.removeprefix(PREFIX) not in _ENTRIES:
        raise unknown_name("data set of TensorFlow Datasets with label maps", name, names())
    return _ENTRIES[name.removeprefix(PREFIX)]


class TfdsSource:
    """A split of a data set of TensorFlow Datasets, encoded as it is stored.

    Args:
        name: As for `labels_of`.
        split: Its name there, or in the catalogue.
        data_dir: Where TensorFlow Datasets keeps its data; None for its own default.
        download: Whether to download and prepare what is not there.

    Raises:
        KerassegError: If there is no such data set or split, or it is not there.
    """

    def __init__(
        self,
        name: str,
        split: str,
        data_dir: str | os.PathLike[str] | None = None,
        download: bool = False,
    ) -> None:
        import tensorflow_datasets as tfds

        self.entry = _entry(name)
        self.encoding = self.entry.encoding
        folder = None if data_dir is None else os.fspath(data_dir)
        self._builder = tfds.builder(name.removeprefix(PREFIX), data_dir=folder)
        if not self._builder.is_prepared():
            _prepare(name, self._builder, self.entry, download)
        infos = self._builder.info.splits
        self.split = self.entry.splits.get(split, split)
        if self.split not in infos:
            raise unknown_name(f"split of {name}", split, [*infos, *self.entry.splits])
        self.num_bytes = infos[self.split].num_bytes
        self._count = infos[self.split].num_examples
        self.place = f"{name} ({self.split})"
        self.identity = f"{self._builder.info.full_name} {self.split} {self._count}"

    def __len__(self) -> int:
        return self._count

    def read(self, start: int, stop: int) -> Iterator[Example]:
        """Gives the examples of a range."""
        stop = min(stop, len(self))
        for parts in self.dataset(start, stop).as_numpy_iterator():
            name, image, label = parts
            place = f"{self.place}: {name.decode()}"
            yield Example(name.decode(), image, label, self.encoding, place, f"{place} (label map)")

    def dataset(self, start: int, stop: int) -> tf.data.Dataset:
        """Returns name, image and label map of a range of examples, encoded."""
        import tensorflow_datasets as tfds

        entry = self.entry
        features = [key for key in (entry.image, entry.label, entry.name) if key]
        skip = {key: tfds.decode.SkipDecoding() for key in (entry.image, entry.label)}
        examples = self._builder.as_dataset(
            split=f"{self.split}[{start}:{stop}]",
            decoders=tfds.decode.PartialDecoding(dict.fromkeys(features, True), decoders=skip),
            # File after file, so that ranges follow each other as the whole does.
            read_config=tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False),
            shuffle_files=False,
        )
        return examples.enumerate(start).map(self._parts)

    def _parts(self, index: tf.Tensor, example: dict[str, tf.Tensor]) -> tuple[tf.Tensor, ...]:
        entry = self.entry
        number = tf.strings.as_string(index, width=8, fill="0")
        name = example[entry.name] if entry.name else number
        label = entry.label_of(example[entry.label])
        return tf.strings.join([name, entry.suffix]), example[entry.image], label


def _prepare(name: str, builder: Any, entry: _Entry, download: bool) -> None:
    hand = f" Put {entry.by_hand} into downloads/manual there first." if entry.by_hand else ""
    if not download:
        raise KerassegError(
            f"{name} is not prepared in {builder.data_path.parent.parent}: give another data_dir, "
            f"or let it be made by training.prepare {name} OUT --download.{hand}"
        )
    try:
        builder.download_and_prepare()
    except ImportError as error:
        raise KerassegError(
            f"TensorFlow Datasets cannot prepare {name}: {first_line(error)}. Install it: "
            f"pip install {error.name}."
        ) from error
    except Exception as error:  # whatever a builder raises, it is not prepared
        raise KerassegError(
            f"{name} could not be prepared by TensorFlow Datasets: {first_line(error)}{hand}"
        ) from error


class TfdsStream(ExampleStream):
    """A checked split of a data set of TensorFlow Datasets; `open_tfds` makes it."""

    def __init__(self, source: TfdsSource, labels: LabelSet, on_error: OnError) -> None:
        found = survey(source, labels, on_error)
        self.source = source
        self._kept = np.array(found.kept)
        super().__init__(
            labels=labels,
            sizes=found.sizes,
            encoding=source.encoding,
            stored=found.stored,
            fingerprint=found.fingerprint,
            skipped=found.skipped,
            place=source.place,
        )
        self._examples = self._all()

    def _all(self) -> tf.data.Dataset:
        examples = self.source.dataset(0, len(self.source))
        if self._kept.all():
            return examples
        kept = tf.constant(self._kept)
        return examples.enumerate().filter(lambda index, _: kept[index]).map(lambda _, parts: parts)

    def in_order(self) -> tf.data.Dataset:
        """Returns name, image and label map of every example, encoded."""
        return self._examples

    def shuffled(self, seed: tf.Tensor) -> tf.data.Dataset:
        """Returns what `in_order` does, shuffled in blocks of about 128 MB.

        Args:
            seed: int64 `(2,)`.
        """
        return shuffled(self._examples, seed, len(self), self.source.num_bytes)

    def examples(self, places: Sequence[int]) -> list[Example]:
        """Returns the examples at some places."""
        numbers = np.flatnonzero(self._kept)[list(places)].tolist()
        return [next(self.source.read(number, number + 1)) for number in numbers]

    def check(self) -> None:
        """Reads every example again.

        Raises:
            KerassegError: If one cannot be used.
        """
        survey(self.source, self.labels, "skip" if self.skipped else "raise")


def open_tfds(
    name: str,
    split: str,
    data_dir: str | os.PathLike[str] | None = None,
    on_error: OnError = "raise",
) -> TfdsStream:
    """Returns a split of a data set of TensorFlow Datasets after a look at every example.

    Args:
        name: As for `labels_of`.
        split: As for `TfdsSource`.
        data_dir: Where TensorFlow Datasets keeps its data; None for its own default.
        on_error: As for `check_pairs`.

    Raises:
        KerassegError: If it is not there, or an example cannot be used.
    """
    return TfdsStream(TfdsSource(name, split, data_dir), labels_of(name), on_error)
