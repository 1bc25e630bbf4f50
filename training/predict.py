"""Predicts images by a run: python -m training.predict RUN PATHS... --out DIR.

PATHS are files, folders, patterns, or - for paths on standard input. Writes masks/NAME.png, class
ids with the palette. Started again it goes on: what is there and newer than its image is left.
The exit status is 1 if an image could not be predicted, and 2 after bad arguments.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from kerasseg.command_line import program
from kerasseg.errors import KerassegError
from kerasseg.evaluation.options import WEIGHTS, add_protocol_options, protocol_from


@program
def main(arguments: Sequence[str] | None = None) -> None:
    """Predicts, and says at the end what was left out."""
    options = _parser().parse_args(arguments)
    from kerasseg.evaluation import Predictor
    from kerasseg.evaluation import folder_prediction as prediction
    from kerasseg.evaluation.inputs import find_inputs
    from kerasseg.run import Run

    protocol, run = protocol_from(options), Run.open(options.run)
    if options.by_windows and not protocol.tile:
        raise KerassegError("--by-windows needs tiles: say --tile 1024.")
    if options.by_windows and (options.overlays or options.probabilities):
        raise KerassegError(
            "--by-windows writes masks alone: leave out --overlays and --probabilities."
        )
    if options.by_windows and protocol.crf:
        raise KerassegError("--crf sees whole images: leave out --by-windows.")
    images, labels = find_inputs(options.paths), run.description.labels
    weights = WEIGHTS[options.weights]
    model = run.load_model(weights)
    predictor = Predictor(model, protocol, options.devices)
    state = run.file(weights).stat()
    description = {
        "run": str(run.path.resolve()),
        "weights": weights,
        "changed": [state.st_size, state.st_mtime_ns],
        "class_names": list(labels.class_names),
        "protocol": protocol.to_json(),
    }
    prediction.claim_directory(options.out, description, options.overwrite)
    outputs = prediction.Outputs(
        options.out, labels, options.overlays, options.probabilities, options.by_windows
    )
    outcome = prediction.predict_files(predictor, images, outputs)
    print(f"{outcome.written} images predicted: {options.out}")
    if outcome.skipped:
        print(f"{outcome.skipped} were there already, newer than their images")
    if outcome.failed:
        print(f"{len(outcome.failed)} could not be predicted:", file=sys.stderr)
        print(*outcome.failed, sep="\n", file=sys.stderr)
        raise SystemExit(1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.predict",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("run", metavar="RUN", type=Path, help="a run directory of training.train")
    add("paths", metavar="PATHS", nargs="+", help="images, folders, patterns, or -")
    add("--out", metavar="DIR", type=Path, required=True, help="where to write")
    add("--overlays", action="store_true", help="writes the colours over the image too")
    add("--probabilities", action="store_true", help="writes those of all classes too, as .npy")
    add("--by-windows", action="store_true", help="TIFF of any size; writes GeoTIFF, with --tile")
    add_protocol_options(parser)
    add("--devices", nargs="+", default=[], metavar="NAME", help="that share an image's tiles")
    add("--overwrite", action="store_true", help="predicts again what is there already")
    return parser


if __name__ == "__main__":
    sys.exit(main(None))
