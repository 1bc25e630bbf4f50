"""Predicts images by a run: python -m training.predict RUN PATHS... --out DIR.

PATHS are images, videos, folders, patterns, or - for paths on standard input. Writes
masks/NAME.png, class ids with the palette, and masks/NAME/FRAME.png of a video. Started again it
goes on: what is there and newer than its image is left.
The exit status is 1 if an image could not be predicted, and 2 after bad arguments.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from kerasseg.command_line import program
from kerasseg.evaluation.options import (
    WEIGHTS,
    add_output_options,
    add_protocol_options,
    outputs_from,
    protocol_from,
)


@program
def main(arguments: Sequence[str] | None = None) -> None:
    """Predicts, and says at the end what was left out."""
    options = _parser().parse_args(arguments)
    from kerasseg.evaluation import Predictor
    from kerasseg.evaluation.folder_prediction import predict_files
    from kerasseg.evaluation.inputs import find_inputs
    from kerasseg.evaluation.outputs import claim_directory
    from kerasseg.run import Run

    protocol, run = protocol_from(options), Run.open(options.run)
    inputs, labels = find_inputs(options.paths), run.description.labels
    outputs = outputs_from(options, protocol, labels)
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
    claim_directory(options.out, description, options.overwrite)
    what = "images and videos" if any(each.is_video for each in inputs) else "images"
    outcome = predict_files(predictor, inputs, outputs)
    print(f"{outcome.written} {what} predicted: {options.out}")
    if outcome.frames:
        print(f"{outcome.frames} frames of videos predicted")
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
    add("paths", metavar="PATHS", nargs="+", help="images, videos, folders, patterns, or -")
    add_output_options(parser)
    add_protocol_options(parser)
    add("--devices", nargs="+", default=[], metavar="NAME", help="that share an image's tiles")
    add("--overwrite", action="store_true", help="predicts again what is there already")
    return parser


if __name__ == "__main__":
    sys.exit(main(None))
