"""Asks a server for the masks of images: python -m export.client URL IMAGE... --out DIR.

URL is the model at TensorFlow Serving or export.preview: http://HOST:8501/v1/models/NAME for REST,
grpc://HOST:8500/v1/models/NAME for gRPC, each with /versions/N or /labels/LABEL behind it if need
be. Writes masks/NAME.png. Started again it goes on: what is there and newer than its image is left.
The exit status is 1 if an image got no mask, and 2 after bad arguments or if the server has no such
model.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from kerasseg.command_line import counted, program
from kerasseg.serving.client import Outcome, SegmentationClient, segment_files


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program."""
    options = _parser().parse_args(arguments)
    with SegmentationClient(
        options.url,
        signature=options.signature,
        deadline=options.deadline,
        retries=options.retries,
    ) as client:
        client.check()
        outcome = segment_files(
            client,
            options.images,
            options.out,
            overlays=options.overlays,
            concurrency=options.concurrency,
            overwrite=options.overwrite,
        )
    _say(outcome, options.out)
    return 1 if outcome.failed else 0


def _say(outcome: Outcome, out: Path) -> None:
    print(f"{counted(outcome.written, 'image')} segmented: {out}")
    if outcome.skipped:
        print(f"{outcome.skipped} were there already, newer than their images")
    if outcome.failed:
        print(f"{len(outcome.failed)} got no mask:", file=sys.stderr)
        print(*outcome.failed, sep="\n", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m export.client",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("url", metavar="URL", help="the model at the server")
    add("images", metavar="IMAGE", nargs="+", help="images, folders, patterns, or -")
    add("--out", type=Path, default=Path("segmented"), help="directory (default: %(default)s)")
    add("--overlays", action="store_true", help="the server's pictures too, in overlays/")
    add("--concurrency", type=int, default=4, metavar="N", help="requests at once (default: 4)")
    add(
        "--deadline",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="for an image with all its tries (default: %(default)g)",
    )
    add("--retries", type=int, default=4, metavar="N", help="after failures that pass (default: 4)")
    add("--signature", default="serving_default", help="that gives masks (default: %(default)s)")
    add("--overwrite", action="store_true", help="asks again for what is there already")
    return parser


if __name__ == "__main__":
    sys.exit(main(None))
