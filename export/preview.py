"""Shows an exported model in the browser, by TensorFlow Serving's REST interface: for trying out.

It knows no users and no encryption; for service there is TensorFlow Serving, which takes the same
directory and answers the same requests.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from kerasseg.command_line import program
from kerasseg.errors import KerassegError
from kerasseg.serving.preview import PreviewOptions, ServedModel, run_preview
from kerasseg.serving.preview.server import MAX_REQUEST_BYTES, is_local

MEBIBYTE = 2**20


@program
def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the program."""
    options = _parser().parse_args(arguments)
    if options.max_request_mb < 1:
        raise KerassegError(f"--max-request-mb is at least 1; received {options.max_request_mb}.")
    served = PreviewOptions(
        host=options.host,
        port=options.port,
        max_request_bytes=options.max_request_mb * MEBIBYTE,
        cors=options.cors,
    )
    model = ServedModel(Path(options.out), options.name, dict(options.label))
    run_preview(model, served, partial(_say, model, options.host))


def _say(model: ServedModel, host: str, address: str) -> None:
    versions = ", ".join(map(str, model.paths))
    print(f"{model.name}, version {versions}, for trying out: {address}")
    print(f"  REST: {address}v1/models/{model.name}:predict", flush=True)
    if not is_local(host):
        print(
            "  whoever reaches this machine may ask it: there are no users and no encryption.",
            file=sys.stderr,
        )


def _label(text: str) -> tuple[str, int]:
    label, _, number = text.rpartition("=")
    if not label or not number.isdecimal():
        raise argparse.ArgumentTypeError(f"LABEL=VERSION is meant, stable=1; received {text!r}")
    return label, int(number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m export.preview", description=__doc__)
    add = parser.add_argument
    add("out", metavar="OUT", help="base path of an exported model, or one of its versions")
    add("--name", help="of the model in requests (default: that of its directory)")
    add("--port", type=int, default=8501, help="0 for any that is free (default: %(default)s)")
    add("--host", default="127.0.0.1", help="the address (default: %(default)s, this machine)")
    add(
        "--label",
        type=_label,
        action="append",
        default=[],
        metavar="LABEL=VERSION",
        help="another name of a version, for /labels/LABEL; may be given several times",
    )
    add(
        "--max-request-mb",
        type=int,
        metavar="N",
        default=MAX_REQUEST_BYTES // MEBIBYTE,
        help="the longest request in MiB (default: %(default)s)",
    )
    add("--cors", action="store_true", help="lets pages of other origins read the answers")
    return parser


if __name__ == "__main__":
    sys.exit(main(None))
