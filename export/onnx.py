"""Exports a trained run as one ONNX file, for ONNX Runtime and whatever else reads ONNX."""

import sys
from collections.abc import Sequence

from export.options import add_calibration_options, export_run, parser_of
from kerasseg.command_line import program
from kerasseg.formats import ONNX_PRECISIONS, export_onnx


@program
def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the program."""
    parser = parser_of("export.onnx", __doc__, ".onnx", ONNX_PRECISIONS)
    add_calibration_options(parser)
    export_run(export_onnx, parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main(None))
