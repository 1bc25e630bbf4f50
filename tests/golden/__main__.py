"""Rebuilds one golden case and prints how far our decoder is from it.

    python -m tests.golden tests/golden/refinenet_decoder_golden.npz \\
        --decoder refinenet --prefix refinenet-a --size 97 161 --classes 21
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kerasseg.command_line import program
from kerasseg.errors import KerassegError, unknown_name
from tests.golden.rebuild import decoder_model, ratio, rebuilt_logits

LIMIT = 1e-4


@program
def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description=__doc__)
    parser.add_argument("file", type=Path, help=".npz with the golden logits under PREFIX")
    parser.add_argument("--decoder", choices=("refinenet", "efficientfcn"), required=True)
    parser.add_argument("--prefix", required=True, help="first part of every tensor's name")
    parser.add_argument("--size", type=int, nargs=2, required=True, metavar=("H", "W"))
    parser.add_argument("--classes", type=int, required=True)
    parser.add_argument("--codewords", type=int, default=256, help="efficientfcn alone")
    options = parser.parse_args(arguments)
    golden = read_golden(options.file, options.prefix)
    model = decoder_model(options.decoder, tuple(options.size), options.classes, options.codewords)
    found = ratio(rebuilt_logits(model, options.prefix), golden)
    print(
        f"{options.prefix}: largest difference / standard deviation = {found:.2e} (limit {LIMIT})"
    )
    if not found < LIMIT:
        raise KerassegError(f"{options.prefix}: {found:.2e} is not below {LIMIT}.")


def read_golden(file: Path, prefix: str) -> np.ndarray:
    if not file.is_file():
        raise KerassegError(f"no such golden file: {file}.")
    with np.load(file) as golden:
        keys = [key for key in golden.files if key.split("/")[0] == prefix]
        if len(keys) != 1:
            raise unknown_name("prefix", prefix, {key.split("/")[0] for key in golden.files})
        return golden[keys[0]]


if __name__ == "__main__":
    sys.exit(main())
