"""Writes a data set as sharded records: python -m training.prepare SOURCE OUT.

SOURCE is a recipe, a name of training.datasets, tfds:NAME for a data set of TensorFlow Datasets, or
a folder data set with --class-names or --dataset. OUT is a directory or a bucket (gs://...). Killed
and started again with the same command it goes on. Train on the records with

    python -m training.train RECIPE --set data.dataset=records --data-dir OUT
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kerasseg.command_line import class_names_of, program, refuse_without_effect
from kerasseg.errors import KerassegError, first_complaint

if TYPE_CHECKING:
    from kerasseg.data.records.schema import RecordsDescription
    from kerasseg.recipe import DataRecipe

_USUAL_SPLITS = ("train", "val")
_OF_FOLDERS = ("dataset", "class_names", "ignore_label")


@program
def main(arguments: Sequence[str] | None = None) -> None:
    """Writes or verifies records."""
    options = _parser().parse_intermixed_args(arguments)
    from kerasseg.data.checking import say_skipped
    from kerasseg.data.records import verify
    from kerasseg.data.records.writing import write_records
    from kerasseg.recipe import record_sources

    if options.verify:
        print(_summary(verify(options.out).description, options.out))
        return
    recipe, data_dir, splits = _data(options)
    if not recipe.dataset.startswith("tfds:"):
        refuse_without_effect(options, f"of data.dataset {recipe.dataset!r}", "download")
    labels, sources = record_sources(recipe, splits, data_dir, options.download)
    description = write_records(
        sources,
        labels,
        options.out,
        source=recipe.dataset,
        shards=options.shards,
        shard_bytes=options.shard_size and options.shard_size * 1_000_000,
        overwrite=options.overwrite,
        on_error=recipe.on_error,
    )
    skipped = [each for split in description.splits.values() for each in split.skipped]
    total = sum(split.examples for split in description.splits.values())
    say_skipped(skipped, total + len(skipped))
    print(_summary(description, options.out))


def _data(options: argparse.Namespace) -> "tuple[DataRecipe, str | None, Sequence[str]]":
    """Returns the data set, where it lies, and the splits to write."""
    if options.source is None:
        raise KerassegError("give both what to write and where to: training.prepare SOURCE OUT.")
    if options.source.endswith(".toml"):
        refuse_without_effect(options, "a recipe", *_OF_FOLDERS)
        from kerasseg.recipe import read_recipe

        of_file = read_recipe(options.source, options.set)
        on_error = options.on_error or of_file.data.on_error
        recipe = of_file.data.model_copy(update={"on_error": on_error})
        usual = (recipe.train_split, recipe.validation_split)
        return recipe, options.data_dir, options.splits or usual
    from kerasseg import data
    from kerasseg.data.records import tfds

    if options.source in (*data.names(), *tfds.names()):
        refuse_without_effect(options, "a data set that has a name", *_OF_FOLDERS, "set")
        recipe = _recipe(options, options.source)
        return recipe, options.data_dir, _splits(options, options.source)
    if not Path(options.source).is_dir():
        raise KerassegError(
            f"SOURCE {options.source!r} is no recipe, no folder and no data set; the data sets are "
            f"{', '.join((*data.names(), *tfds.names()))}."
        )
    refuse_without_effect(options, "a folder", "set", "data_dir")
    name = options.dataset or "folder"
    return _recipe(options, name), options.source, _splits(options, name)


def _splits(options: argparse.Namespace, name: str) -> Sequence[str]:
    from kerasseg import data

    known = data.describe(name).splits if name in data.names() else _USUAL_SPLITS
    usual = [split for split in _USUAL_SPLITS if split in known]
    return options.splits or usual or known


def _recipe(options: argparse.Namespace, name: str) -> "DataRecipe":
    from pydantic import ValidationError

    from kerasseg.recipe import DataRecipe

    splits, given = _splits(options, name), ("ignore_label", "on_error")
    values = {key: value for key in given if (value := getattr(options, key)) is not None}
    if options.class_names is not None:
        values["class_names"] = class_names_of(options.class_names)
    try:
        return DataRecipe(
            dataset=name, train_split=splits[0], validation_split=splits[-1], **values
        )
    except ValidationError as error:
        raise KerassegError(first_complaint(error)) from None


def _summary(description: "RecordsDescription", out: str) -> str:
    shards = [shard for split in description.splits.values() for shard in split.shards]
    examples = ", ".join(f"{split.examples} {name}" for name, split in description.splits.items())
    size = sum(shard.bytes for shard in shards) / 1e6
    return f"{examples}: {len(shards)} files of {size:.1f} MB together in {out}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.prepare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("source", nargs="?", metavar="SOURCE", help="what to write")
    add("out", metavar="OUT", help="where to")
    add("--data-dir", metavar="DIR", help="where the data set lies")
    add("--dataset", metavar="NAME", help="the data set of the catalogue that a folder holds")
    add("--class-names", metavar="A,B,C", help="of a folder: a name for each label value from 0 on")
    add("--ignore-label", type=int, metavar="N", help="of a folder: the value of void pixels")
    add("--splits", nargs="+", metavar="SPLIT", help="what to write (default: train val)")
    add("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="as in train")
    add("--shards", type=int, metavar="N", help="files for each split (default: 16 or more)")
    add("--shard-size", type=int, metavar="MB", help="about how large a file is to be")
    add("--on-error", choices=("raise", "skip"), help="as data.on_error")
    add("--download", action="store_true", help="lets TensorFlow Datasets fetch what is missing")
    add("--overwrite", action="store_true", help="deletes the records that are in OUT")
    add("--verify", action="store_true", help="only compares the records in OUT with the checksums")
    return parser


if __name__ == "__main__":
    sys.exit(main(None))
