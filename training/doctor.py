"""Looks for what is wrong with a data set: python -m training.doctor DATA [--class-names a,b,c].

Prints what it finds and writes report.html, report.md and report.json. The exit status is 0 if
nothing stands in the way of training, 1 if training would go wrong, and 2 after bad arguments.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kerasseg.command_line import class_names_of, program
from kerasseg.errors import KerassegError
from kerasseg.label_set import Colour, LabelSet

if TYPE_CHECKING:
    from kerasseg.data import LabelEncoding
    from kerasseg.data.doctor import Case

_VOID = 255


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program."""
    options = _parser().parse_args(arguments)
    from kerasseg.data import doctor

    out = options.out or Path(f"doctor-{options.data.resolve().name}")
    doctor.check_free(out, options.overwrite)
    case = _case(options)
    diagnosis = doctor.diagnose(case)
    doctor.write_report(out, diagnosis, case, overwrite=options.overwrite)
    print(doctor.summary(diagnosis))
    print(f"report: {out / 'report.html'}")
    return 0 if diagnosis.is_healthy else 1


def _case(options: argparse.Namespace) -> "Case":
    from kerasseg.data import doctor

    if not options.dataset:
        labels, encoding = _labels(options)
        splits = options.splits or ("train", "val")
        return doctor.open_folder(
            options.data, splits, labels, ignore_label=options.ignore_label, encoding=encoding
        )
    for name in ("class_names", "colours", "void_colours", "ignore_label"):
        if getattr(options, name) is not None:
            raise KerassegError(
                f"--{name.replace('_', '-')} is for a folder of one's own; --dataset "
                f"{options.dataset} has its own classes: leave out one of the two."
            )
    return doctor.open_published(options.dataset, options.data, options.splits)


def _labels(options: argparse.Namespace) -> "tuple[LabelSet | None, LabelEncoding]":
    from kerasseg.data import LabelEncoding

    if options.class_names is None:
        if options.colours or options.void_colours:
            raise KerassegError("--colours and --void-colours need --class-names, in one order.")
        return None, LabelEncoding()
    names = class_names_of(options.class_names)
    void = _VOID if options.ignore_label is None else options.ignore_label
    if options.colours is None:
        if options.void_colours:
            raise KerassegError("--void-colours needs --colours, one for each class name.")
        return LabelSet(names, ignore_label=void), LabelEncoding()
    labels, of_void = LabelSet(names, tuple(options.colours), void), options.void_colours or ()
    if len({*labels.colours, *of_void}) < len(names) + len(of_void):
        raise KerassegError("--colours and --void-colours name a colour twice: it stands for one.")
    numbers = {colour: number for number, colour in enumerate(labels.colours)}
    return labels, LabelEncoding(colours=numbers | dict.fromkeys(of_void, void))


def _colour(text: str) -> Colour:
    red, green, blue = map(int, text.split(","))
    return red, green, blue


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.doctor",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("data", metavar="DATA", type=Path, help="the directory of the data set")
    add("--dataset", metavar="NAME", help="what it is, if in the catalogue: camvid; or coco_json")
    add(
        "--class-names",
        metavar="A,B,C",
        help="one name for each label value from 0 on; without them the values are judged alone",
    )
    add("--ignore-label", type=int, metavar="N", help="the value of void pixels (default: 255)")
    for name, whose in (("--colours", "that of each class name"), ("--void-colours", "void's")):
        text = f"for label maps in colours: {whose}"
        add(name, nargs="+", type=_colour, metavar="R,G,B", help=text)
    add("--splits", nargs="+", metavar="SPLIT", help="what to examine (default: train val)")
    add("--out", type=Path, metavar="DIR", help="where to write (default: doctor-NAME)")
    add("--overwrite", action="store_true", help="replaces the report that is there already")
    return parser


if __name__ == "__main__":
    sys.exit(main(None))
