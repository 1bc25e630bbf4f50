"""Exports a trained run as .xml and .bin for OpenVINO."""

import sys
from collections.abc import Sequence

from export.options import export_run, parser_of
from kerasseg.command_line import program
from kerasseg.formats import OPENVINO_PRECISIONS, export_openvino


@program
def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the program."""
    parser = parser_of("export.openvino", __doc__, ".xml", OPENVINO_PRECISIONS)
    export_run(export_openvino, parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main(None))
