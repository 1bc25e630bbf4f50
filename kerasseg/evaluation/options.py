"""What the programs that evaluate and predict have in common on the command line."""

import argparse
from dataclasses import replace
from typing import Any

from kerasseg.evaluation.protocol import GRID, Protocol, protocol_of

WEIGHTS = {"last": "model.keras", "best": "best.keras"}


def add_protocol_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options that `protocol_from` reads, and `--weights`."""
    add = parser.add_argument
    add("--protocol", metavar="NAME", default="whole", help="whole, refinenet or efficientfcn")
    add("--scales", type=float, nargs="+", metavar="S", help="factors to average over instead")
    add("--flip", action="store_true", help="sees each image mirrored too")
    add("--tile", type=int, metavar="N", help="cuts images into tiles of N pixels, 32 or more")
    add("--overlap", type=int, metavar="M", help="of tiles (default: a quarter)")
    add("--margin", type=int, metavar="K", help="pixels at a tile's sides that are not used")
    add("--weights", choices=[*WEIGHTS], default="last", help="the run's (default: last)")


def protocol_from(options: argparse.Namespace) -> Protocol:
    """Returns the protocol that the options describe.

    Raises:
        KerassegError: If there is no such protocol, or a number is out of its range.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_protocol_options(parser)
        >>> protocol_from(parser.parse_args(["--flip", "--tile", "512"]))
        Protocol(scales=(1.0,), flip=True, multiple=1, tile=512, overlap=128, margin=0)
    """
    named = protocol_of(options.protocol)
    changes: dict[str, Any] = {"flip": named.flip or options.flip}
    if options.scales is not None:
        changes["scales"] = tuple(options.scales)
    if options.tile is not None:
        changes["tile"] = options.tile
        changes["overlap"] = options.tile // 4 // GRID * GRID
    changes |= {
        name: getattr(options, name)
        for name in ("overlap", "margin")
        if getattr(options, name) is not None
    }
    return replace(named, **changes)
