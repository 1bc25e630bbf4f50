"""Writes docs/networks.md's table of backbones: what each costs, and the maps that it gives.

    python -m benchmarks.backbones

Parameters are those of the layers that the four maps need, of a network for RGB. GMAC counts
multiply-adds for one image of 512x512, from shapes. It takes a few minutes, nearly all of them to
build the networks.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import keras

from benchmarks import page_table
from kerasseg import backbones
from kerasseg.macs import count_macs

PAGE = Path(__file__).parents[1] / "docs" / "networks.md"
SIDE = 512
HEADER = (
    f"| backbone | parameters (M) | GMAC at {SIDE}x{SIDE} | strides | channels at these strides |\n"
    "|---|---|---|---|---|"
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Replaces the table in docs/networks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args(arguments)
    rows = [HEADER]
    print(HEADER)
    for name in backbones.names():
        rows.append(_row(name))
        print(rows[-1], flush=True)
        keras.utils.clear_session()
    page_table.replace("benchmarks/backbones.py", "\n".join(rows), options.page)


def _row(name: str) -> str:
    model = backbones.create(name, weights=None)
    shapes = model.compute_output_shape((1, SIDE, SIDE, 3))
    strides = ", ".join(f"{SIDE / shape[1]:g}" for shape in shapes)
    channels = ", ".join(str(shape[-1]) for shape in shapes)
    parameters, macs = model.count_params() / 1e6, count_macs(model, (SIDE, SIDE)) / 1e9
    return f"| `{name}` | {parameters:.1f} | {macs:.1f} | {strides} | {channels} |"


if __name__ == "__main__":
    main()
