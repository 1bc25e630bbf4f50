"""What the programs that export a run as a single file have in common."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kerasseg.errors import KerassegError
from kerasseg.evaluation.prediction.options import add_view_options, protocol_from
from kerasseg.formats import OUTPUTS, calibration_of_run
from kerasseg.formats.calibration import IMAGES
from kerasseg.run import Run

Export = Callable[..., Path]


def parser_of(
    program: str, description: str | None, suffix: str, precisions: Sequence[str]
) -> argparse.ArgumentParser:
    """Returns the parser of a program.

    Args:
        program: Its name: `"export.onnx"`.
        description: Its docstring.
        suffix: Of the file that it writes: `".onnx"`.
        precisions: What it can be exported in, the first by default.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m {program}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("run", metavar="RUN", help="the run directory")
    add("out", metavar=f"OUT{suffix}", type=Path, help="the file to write")
    add("--best", action="store_true", help="the best weights, not the last ones")
    add("--output", choices=OUTPUTS, default=OUTPUTS[0], help="(default: %(default)s)")
    add("--precision", choices=precisions, default=precisions[0], help="(default: %(default)s)")
    add_view_options(parser)
    add("--overwrite", action="store_true", help="replaces the file if it is there")
    return parser


def add_calibration_options(parser: argparse.ArgumentParser) -> None:
    """Adds where int8 has its images from."""
    add = parser.add_argument
    add("--data-dir", metavar="DIR", help="of int8: the data, if not where the recipe says")
    add(
        "--calibration-images",
        type=int,
        metavar="N",
        help=f"of int8: how many images of the training split (default: {IMAGES})",
    )
    add("--seed", type=int, metavar="N", help="of int8: which images are drawn (default: 0)")


def export_run(export: Export, options: argparse.Namespace) -> None:
    """Exports what the options name and says what was written.

    Args:
        export: `export_onnx`, or another of that kind.
        options: What a parser of `parser_of` read.
    """
    run = Run.open(options.run)
    model_file = "best.keras" if options.best else "model.keras"
    model = run.load_model(model_file)
    path = export(
        model,
        options.out,
        labels=run.description.labels,
        output=options.output,
        precision=options.precision,
        protocol=protocol_from(options),
        overwrite=options.overwrite,
        **_calibration(options, run),
    )
    weights = [path.with_suffix(".bin")] if path.suffix == ".xml" else []
    size = sum(each.stat().st_size for each in (path, *weights))
    print(f"{run.file(model_file)} -> {path} ({size / 1e6:.1f} MB, {options.precision})")
    best = " --best" if options.best else ""
    print(f"Compare it with the Keras model:\n  python -m export.verify {run.path} {path}{best}")


def _calibration(options: argparse.Namespace, run: Run) -> Mapping[str, Any]:
    given = {
        "--data-dir": getattr(options, "data_dir", None),
        "--calibration-images": getattr(options, "calibration_images", None),
        "--seed": getattr(options, "seed", None),
    }
    if options.precision != "int8":
        for name, value in given.items():
            if value is not None:
                raise KerassegError(f"{name} is for --precision int8: leave it out.")
        return {}
    data_dir, count, seed = given.values()
    count = IMAGES if count is None else count
    return {"calibration_images": calibration_of_run(run, data_dir, count, seed or 0)}
