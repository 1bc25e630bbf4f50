"""Predicts images by a run: python -m training.predict RUN PATHS... --out DIR.

PATHS are images, videos, folders, patterns, or - for paths on standard input; with --engine ray,
which predicts images on the machines of a Ray cluster, URIs too, but no videos. Writes
masks/NAME.png, class ids with the palette, and masks/NAME/FRAME.png of a video. Started again it
goes on: what is there and newer than its image is left.
The exit status is 1 if an image could not be predicted, and 2 after bad arguments.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from kerasseg.command_line import counted, program
from kerasseg.errors import KerassegError
from kerasseg.evaluation.prediction.options import (
    WEIGHTS,
    add_output_options,
    add_protocol_options,
    outputs_from,
    protocol_from,
)

if TYPE_CHECKING:
    from kerasseg.evaluation import Protocol
    from kerasseg.evaluation.prediction.folder_prediction import Outcome
    from kerasseg.evaluation.prediction.outputs import Outputs


class _Task(NamedTuple):
    """What is predicted by, whatever the engine."""

    model: Path
    protocol: "Protocol"
    outputs: "Outputs"
    description: dict[str, Any]


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Predicts, and says at the end what was left out."""
    options = _parser().parse_args(arguments)
    predict = _on_cluster if options.engine == "ray" else _here
    outcome = predict(options, _task(options))
    what = ("image or video", "images and videos") if outcome.of_videos else ("image",)
    print(f"{counted(outcome.written, *what)} predicted: {options.out}")
    if outcome.frames:
        print(f"{counted(outcome.frames, 'frame')} of videos predicted")
    if outcome.skipped:
        there = counted(outcome.skipped, "was", "were")
        print(f"{there} there already, newer than what was to be predicted")
    if outcome.failed:
        print(f"{len(outcome.failed)} could not be predicted:", file=sys.stderr)
        print(*outcome.failed, sep="\n", file=sys.stderr)
    return 1 if outcome.failed else 0


def _task(options: argparse.Namespace) -> _Task:
    from kerasseg.run import Run

    protocol, run = protocol_from(options), Run.open(options.run)
    weights, labels = WEIGHTS[options.weights], run.description.labels
    outputs = outputs_from(options, protocol, labels)
    model = run.model_file(weights)
    state = model.stat()
    description = {
        "run": str(run.path.resolve()),
        "weights": weights,
        "changed": [state.st_size, state.st_mtime_ns],
        "class_names": list(labels.class_names),
        "protocol": protocol.to_json(),
    }
    return _Task(model, protocol, outputs, description)


def _here(options: argparse.Namespace, task: _Task) -> "Outcome":
    from kerasseg.evaluation import Predictor
    from kerasseg.evaluation.inference.replicas import check_shared
    from kerasseg.evaluation.prediction import bucket
    from kerasseg.evaluation.prediction.folder_prediction import predict_files
    from kerasseg.evaluation.prediction.inputs import find_inputs
    from kerasseg.evaluation.prediction.outputs import claim_directory
    from kerasseg.models.model_file import read_model

    if options.workers is not None:
        raise KerassegError("--workers are those of --engine ray: say that too, or leave it out.")
    for uri in filter(bucket.is_uri, [*options.paths, options.out]):
        raise KerassegError(
            f"{bucket.without_secrets(uri)} is a URI, which --engine ray takes; a disk's path is "
            "meant."
        )
    check_shared(options.devices, task.protocol)
    inputs = find_inputs(options.paths, task.outputs.directory)
    task.outputs.check_windows([each.path for each in inputs])
    predictor = Predictor(read_model(task.model), task.protocol, options.devices)
    claim_directory(task.outputs.directory, task.description, options.overwrite)
    return predict_files(predictor, inputs, task.outputs)


def _on_cluster(options: argparse.Namespace, task: _Task) -> "Outcome":
    from kerasseg.evaluation.prediction import bucket, ray_prediction

    if options.devices:
        raise KerassegError("--devices has no effect with --engine ray: say --workers instead.")
    uri = options.out if bucket.is_uri(options.out) else ""
    job = ray_prediction.Job(task.protocol, task.outputs, uri)
    images = ray_prediction.find_images(options.paths, options.out)
    task.outputs.check_windows([image.path for image in images])
    return ray_prediction.predict_on_cluster(
        images, task.model, job, task.description, options.overwrite, options.workers
    )


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
    add(
        "--devices",
        nargs="+",
        default=[],
        metavar="NAME",
        help="deals the tiles of an image out to these, as to GPU:0 GPU:1",
    )
    add("--overwrite", action="store_true", help="predicts again what is there already")
    add(
        "--engine",
        choices=["plain", "ray"],
        default="plain",
        help="predicts here, or on a Ray cluster (default: plain)",
    )
    add("--workers", type=int, metavar="N", help="runs N copies of the model, with --engine ray")
    return parser


if __name__ == "__main__":
    sys.exit(main(None))
