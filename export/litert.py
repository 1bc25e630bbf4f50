"""Exports a trained run as a .tflite file for LiteRT, with its classes in .tflite.json beside."""

import sys
from collections.abc import Sequence

from export.options import add_calibration_options, export_run, parser_of
from kerasseg.command_line import program
from kerasseg.formats import LITERT_PRECISIONS, export_litert


@program
def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the program."""
    parser = parser_of("export.litert", __doc__, ".tflite", LITERT_PRECISIONS)
    add_calibration_options(parser)
    export_run(export_litert, parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main(None))
