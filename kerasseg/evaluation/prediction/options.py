"""What the programs that evaluate and predict have in common on the command line."""

import argparse
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from kerasseg.errors import KerassegError, unknown_name
from kerasseg.evaluation.inference.dense_crf import DenseCRF
from kerasseg.evaluation.inference.protocol import GRID, PROTOCOLS, Protocol, protocol_of
from kerasseg.evaluation.inference.windows import raster_library
from kerasseg.evaluation.prediction.outputs import Outputs
from kerasseg.evaluation.prediction.polygon_files import POLYGON_SUFFIXES
from kerasseg.evaluation.prediction.polygons import polygon_library
from kerasseg.label_set import LabelSet

WEIGHTS = {"last": "model.keras", "best": "best.keras"}


def add_view_options(parser: argparse.ArgumentParser) -> None:
    """Adds those of the options that `protocol_from` reads which have neither tiles nor a CRF."""
    add = parser.add_argument
    # No choices: an error of protocol_of names the nearest one.
    add(
        "--protocol",
        metavar=f"{{{','.join(PROTOCOLS)}}}",
        default="whole",
        help="whole sees the image as it is (default); refinenet averages the probabilities over "
        "five scales, not mirrored; efficientfcn over six, each mirrored too",
    )
    add("--scales", type=float, nargs="+", metavar="S", help="averages over these factors instead")
    add("--flip", action="store_true", help="sees each image mirrored too")


def add_protocol_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options that `protocol_from` reads, and `--weights`."""
    add_view_options(parser)
    add = parser.add_argument
    add("--tile", type=int, metavar="N", help="cuts images into tiles of N pixels, 32 or more")
    add("--overlap", type=int, metavar="M", help="has tiles overlap by M pixels (default: N / 4)")
    add("--margin", type=int, metavar="K", help="leaves out K pixels at the sides of tiles")
    add("--crf", action="store_true", help="refines by a dense CRF (pip install 'kerasseg[crf]')")
    add(
        "--crf-set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="refines with another value, as steps=5; KEY is an argument of "
        "kerasseg.evaluation.DenseCRF",
    )
    add(
        "--weights",
        choices=[*WEIGHTS],
        default="last",
        help="takes the last weights of the run, or the best (default: last)",
    )


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options that `outputs_from` reads."""
    add = parser.add_argument
    add("--out", metavar="DIR", required=True, help="where to write")
    add("--overlays", action="store_true", help="writes the colours over the image too")
    add(
        "--probabilities",
        action="store_true",
        help="writes the probabilities of all classes too, as .npy",
    )
    add(
        "--polygons",
        choices=[*POLYGON_SUFFIXES],
        default="",
        help="writes the regions of classes too",
    )
    add(
        "--by-windows",
        action="store_true",
        help="reads TIFF of any size by windows and writes GeoTIFF; needs --tile",
    )


def outputs_from(options: argparse.Namespace, protocol: Protocol, labels: LabelSet) -> Outputs:
    """Returns what the options say is written.

    Raises:
        KerassegError: If the options exclude one another, or need a package that is missing, or
            the directory has no name.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_output_options(parser)
        >>> options = parser.parse_args(["--out", "predicted", "--by-windows"])
        >>> outputs_from(options, Protocol(), LabelSet(("soil", "leaf")))
        Traceback (most recent call last):
        kerasseg.errors.KerassegError: --by-windows needs tiles: say --tile 1024.
    """
    if not options.out:
        raise KerassegError("--out is empty: give a directory; . is the one that you are in.")
    if options.by_windows and not protocol.tile:
        raise KerassegError("--by-windows needs tiles: say --tile 1024.")
    if options.by_windows and (options.overlays or options.probabilities):
        raise KerassegError(
            "--by-windows writes masks and polygons alone: leave out --overlays and "
            "--probabilities."
        )
    if options.by_windows and protocol.crf:
        raise KerassegError("--crf sees whole images: leave out --by-windows.")
    if options.by_windows:
        raster_library()
    if options.polygons:
        polygon_library()
    return Outputs(
        Path(options.out).absolute(),  # the workers of a cluster are in directories of their own
        labels,
        options.overlays,
        options.probabilities,
        options.by_windows,
        options.polygons,
    )


def protocol_from(options: argparse.Namespace) -> Protocol:
    """Returns the protocol that the options describe.

    Args:
        options: What a parser with `add_view_options` or `add_protocol_options` read.

    Raises:
        KerassegError: If there is no such protocol, or a number is out of its range.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_protocol_options(parser)
        >>> protocol_from(parser.parse_args(["--flip", "--tile", "512"])) == Protocol(
        ...     flip=True, tile=512, overlap=128
        ... )
        True
    """
    named = protocol_of(options.protocol)
    changes: dict[str, Any] = {"flip": named.flip or options.flip}
    if options.scales is not None:
        changes["scales"] = tuple(options.scales)
    if getattr(options, "tile", None) is not None:
        changes["tile"] = options.tile
        changes["overlap"] = options.tile // 4 // GRID * GRID
    changes |= {
        name: getattr(options, name)
        for name in ("overlap", "margin")
        if getattr(options, name, None) is not None
    }
    if getattr(options, "crf", False) or getattr(options, "crf_set", None):
        changes["crf"] = _crf_from(options.crf_set)
    return replace(named, **changes)


def _crf_from(settings: Sequence[str]) -> DenseCRF:
    accepted = [each.name for each in fields(DenseCRF)]
    changes: dict[str, Any] = {}
    for setting in settings:
        key, _, text = setting.partition("=")
        if key not in accepted:
            raise unknown_name("key of --crf-set", key, accepted)
        try:
            changes[key] = int(text) if key == "steps" else float(text)
        except ValueError:
            raise KerassegError(
                f"--crf-set {setting} holds no number: say --crf-set {key}=5."
            ) from None
    return DenseCRF(**changes)
