"""Lists the data sets of the catalogue: python -m training.datasets [NAME]."""

import argparse
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kerasseg.command_line import program

if TYPE_CHECKING:
    from kerasseg.data import DataSet


@program
def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a few lines for every data set, or everything that is known of one."""
    parser = argparse.ArgumentParser(prog="python -m training.datasets", description=__doc__)
    parser.add_argument("name", nargs="?", help="a data set, to see its tree and its classes")
    options = parser.parse_args(arguments)
    from kerasseg import data
    from kerasseg.data.records import tfds

    if options.name:
        print("\n".join(_everything(data.describe(options.name))))
        return
    for name in data.names():
        print("\n".join(_summary(data.describe(name))), end="\n\n")
    print(f"As TensorFlow Datasets has prepared them: {', '.join(tfds.names())}.")
    print(
        "What python -m training.prepare wrote from any of them: data.dataset = 'records'.\n"
        "A directory of your own: data.dataset = 'folder', or 'coco_json' for annotations in\n"
        "COCO's format. python -m training.datasets NAME shows the tree of a data set."
    )


def _summary(data_set: "DataSet") -> Iterator[str]:
    yield f"{data_set.name}: {data_set.title}"
    splits = ", ".join(f"{name} ({count})" for name, count in data_set.images.items())
    yield f"  {data_set.labels.num_classes} classes; splits with their images: {splits}"
    yield f"  licence: {data_set.licence}"
    if data_set.homepage:
        yield f"  {data_set.homepage}"


def _everything(data_set: "DataSet") -> Iterator[str]:
    yield from _summary(data_set)
    if data_set.paper:
        yield f"  paper: {data_set.paper}"
    yield "\nThe tree that data_dir (--data-dir) is to hold:"
    yield textwrap.indent(data_set.layout, "  ")
    yield f"\nClasses (void is {data_set.labels.ignore_label}):"
    for number, name in enumerate(data_set.labels.class_names):
        yield f"  {number:3} {name}"


if __name__ == "__main__":
    sys.exit(main(None))
