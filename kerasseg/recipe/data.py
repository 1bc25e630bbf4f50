"""The section `[data]` of a recipe, and the pairs of files that it stands for."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, cast

from pydantic import BeforeValidator, model_validator

from kerasseg import data
from kerasseg.data import LabelEncoding
from kerasseg.data.checking import OnError
from kerasseg.data.feeds import Cache, cache_of
from kerasseg.data.records import ExampleSource, PairSource, tfds
from kerasseg.data.streams import Split
from kerasseg.errors import KerassegError, unknown_name
from kerasseg.label_set import Colour, LabelSet
from kerasseg.recipe.section import Section

_OF_FOLDERS = ("class_names", "palette", "ignore_label", "labels", "void_colours")


class DataRecipe(Section):
    """`[data]`: which pictures.

    Attributes:
        dataset: A name of the catalogue, `"folder"` for a directory of one's own, `"coco_json"`
            for one with annotations in COCO's format, `"records"` for what `training.prepare`
            wrote, or `"tfds:..."` for a data set of TensorFlow Datasets.
        directory: Where it lies, unless the command says `--data-dir`.
        class_names: For `"folder"`: one name a class, in the order of the label values; at
            least two.
        palette: For `"folder"`: one RGB colour a class; empty for the default.
        ignore_label: For `"folder"`: the value of void pixels.
        labels: For `"folder"`: what the label maps hold, `"ids"`, or `"colours"` for the colours
            of `palette`.
        void_colours: For `"folder"` with `labels = "colours"`: the RGB colours of void pixels.
        train_split: The split to learn from; of a folder, the folder in it.
        validation_split: The split to measure on.
        cache: Where decoded images are kept: `"memory"` (or true), `"disk"`, `"labels"`
            (label maps in memory, images from their files), or `"none"` (or
            false), with which records and TensorFlow Datasets come in another order.
        on_error: `"skip"` to leave out files that cannot be decoded, 1 % of a split at most;
            `"raise"` to stop at them before anything is trained.
    """

    dataset: str
    directory: str = ""
    class_names: tuple[str, ...] = ()
    palette: tuple[Colour, ...] = ()
    ignore_label: int = 255
    labels: Literal["ids", "colours"] = "ids"
    void_colours: tuple[Colour, ...] = ()
    train_split: str = "train"
    validation_split: str = "val"
    cache: Annotated[Cache, BeforeValidator(cache_of)] = "memory"
    on_error: OnError = "raise"

    @model_validator(mode="after")
    def _known(self) -> "DataRecipe":
        names = ("folder", "coco_json", "records", *tfds.names(), *data.names())
        if self.dataset not in names:
            raise unknown_name("data set", self.dataset, names)
        if self.dataset == "folder":
            self._check_several_classes()
            self._check_colours()
        # Records may be made by the recipe that then trains on them.
        if self.dataset in ("folder", "records"):
            return self
        for key in _OF_FOLDERS:
            if getattr(self, key) != type(self).model_fields[key].default:
                raise KerassegError(
                    f"data.{key} is for data.dataset = 'folder'; {self.dataset!r} has its own."
                )
        if self.dataset in data.names():
            self._check_splits()
        return self

    def _check_several_classes(self) -> None:
        if len(self.class_names) == 1:
            only = self.class_names[0]
            raise KerassegError(
                f"data.class_names names {only!r} alone: name the background too, as in "
                f'["background", "{only}"]. A mask of one thing has two classes.'
            )

    def _check_colours(self) -> None:
        if self.labels == "ids" and self.void_colours:
            raise KerassegError(
                "data.void_colours is for data.labels = 'colours'; where the label maps hold ids, "
                "void is data.ignore_label."
            )
        if self.labels == "colours" and not self.palette:
            raise KerassegError(
                "data.labels = 'colours' needs data.palette, the RGB colour of each class in the "
                "label maps, as in palette = [[0, 0, 0], [0, 128, 0]]."
            )
        colours = [*self.palette, *self.void_colours]
        repeated = [colour for colour in colours if colours.count(colour) > 1]
        if self.labels == "colours" and repeated:
            raise KerassegError(
                f"data.palette and data.void_colours: the colour {list(repeated[0])} comes twice; "
                "a colour stands for one class, or for void."
            )

    def _check_splits(self) -> None:
        splits = data.describe(self.dataset).splits
        for key in ("train_split", "validation_split"):
            if getattr(self, key) not in splits:
                raise KerassegError(
                    f"data.{key} {getattr(self, key)!r} is no split of {self.dataset}: it has "
                    f"{', '.join(splits)}."
                )


class Source(NamedTuple):
    """The classes of a data set, and a function from the name of a split to the split."""

    labels: LabelSet
    find: Callable[[str], Split]


def open_source(recipe: DataRecipe, data_dir: str | os.PathLike[str] | None = None) -> Source:
    """Returns what `[data]` stands for; `shapes` is generated if need be.

    Args:
        recipe: The section.
        data_dir: Where the data lies, if not where the section says.

    Raises:
        KerassegError: If no directory is given, or what is known of the classes is not enough.
    """
    chosen = data_dir or recipe.directory or None
    if recipe.dataset in data.names():
        data_set = data.describe(recipe.dataset)
        directory = data.locate(recipe.dataset, chosen)
        return Source(data_set.labels, partial(data_set.find, data_dir=directory))
    if recipe.dataset in tfds.names():
        return Source(tfds.labels_of(recipe.dataset), partial(_open_tfds, recipe, chosen))
    if chosen is None:
        raise KerassegError(
            f"data.dataset is {recipe.dataset!r} and no directory is given: say --data-dir DIR, or "
            "write data.directory into the recipe."
        )
    if recipe.dataset == "coco_json":
        coco = data.CocoJson(chosen)
        return Source(coco.labels, coco.find)
    if recipe.dataset == "records":
        records = data.open_records(chosen)
        _check_names(recipe, records.labels, chosen)
        return Source(records.labels, records.split)
    labels = _folder_labels(recipe)
    return Source(labels, partial(data.find_pairs, Path(chosen), encoding=_encoding(recipe)))


def _check_names(recipe: DataRecipe, labels: LabelSet, directory: str | os.PathLike[str]) -> None:
    if recipe.class_names and recipe.class_names != labels.class_names:
        raise KerassegError(
            f"data.class_names is {', '.join(recipe.class_names)}, and the records in {directory} "
            f"have {', '.join(labels.class_names)}. Correct it or leave it out."
        )


def record_sources(
    recipe: DataRecipe,
    splits: Sequence[str],
    data_dir: str | os.PathLike[str] | None = None,
    download: bool = False,
) -> tuple[LabelSet, dict[str, ExampleSource]]:
    """Returns the classes of `[data]` and what records of its splits are made from, unchecked.

    Args:
        recipe: The section.
        splits: Their names.
        data_dir: Where the data lies, if not where the section says.
        download: Whether TensorFlow Datasets may download what is not there.

    Raises:
        KerassegError: As `open_source` does; or if the data are records already.
    """
    if recipe.dataset == "records":
        raise KerassegError("the data are records already; give what they were made from.")
    if recipe.dataset in tfds.names():
        directory = data_dir or recipe.directory or None
        sources: dict[str, ExampleSource] = {
            split: tfds.TfdsSource(recipe.dataset, split, directory, download) for split in splits
        }
        return tfds.labels_of(recipe.dataset), sources
    labels, find = open_source(recipe, data_dir)
    return labels, {split: PairSource(cast(list[data.Pair], find(split))) for split in splits}


def _open_tfds(recipe: DataRecipe, data_dir: str | os.PathLike[str] | None, split: str) -> Split:
    return tfds.open_tfds(recipe.dataset, split, data_dir, recipe.on_error)


def _folder_labels(recipe: DataRecipe) -> LabelSet:
    if not recipe.class_names:
        raise KerassegError(
            "data.class_names is empty and data.dataset 'folder': give one name for each label "
            'value from 0 on, as in --set \'data.class_names=["background", "leaf"]\'.'
        )
    return LabelSet(recipe.class_names, recipe.palette or None, recipe.ignore_label)


def _encoding(recipe: DataRecipe) -> LabelEncoding:
    if recipe.labels == "ids":
        return LabelEncoding()
    classes = {colour: number for number, colour in enumerate(recipe.palette)}
    return LabelEncoding(colours=classes | dict.fromkeys(recipe.void_colours, recipe.ignore_label))
