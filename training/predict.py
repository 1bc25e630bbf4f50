"""Predicts images by a run: python -m training.predict RUN PATHS... --out DIR.

PATHS are files, folders, patterns, or - for paths on standard input; with --engine ray, which
predicts on the machines of a Ray cluster, URIs too. Writes masks/NAME.png, class
ids with the palette. Started again it goes on: what is there and newer than its image is left.
The exit status is 1 if an image could not be predicted, and 2 after bad arguments.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerasseg.command_line import program
from kerasseg.errors import KerassegError
from kerasseg.evaluation.options import WEIGHTS, add_protocol_options, protocol_from

if TYPE_CHECKING:
    from kerasseg.evaluation import Protocol
    from kerasseg.evaluation.folder_prediction import Outcome, Outputs
    from kerasseg.run import Run


@program
def main(arguments: Sequence[str] | None = None) -> None:
    """Predicts, and says at the end what was left out."""
    options = _parser().parse_args(arguments)
    from kerasseg.run import Run

    protocol, run = protocol_from(options), Run.open(options.run)
    if options.by_windows and not protocol.tile:
        raise KerassegError("--by-windows needs tiles: say --tile 1024.")
    if options.by_windows and (options.overlays or options.probabilities):
        raise KerassegError(
            "--by-windows writes masks alone: leave out --overlays and --probabilities."
        )
    weights = WEIGHTS[options.weights]
    state = run.model_file(weights).stat()
    description = {
        "run": str(run.path.resolve()),
        "weights": weights,
        "changed": [state.st_size, state.st_mtime_ns],
        "class_names": list(run.description.labels.class_names),
        "protocol": protocol.to_json(),
    }
    predict = _on_cluster if options.engine == "ray" else _here
    outcome = predict(options, run, protocol, description)
    print(f"{outcome.written} images predicted: {options.out}")
    if outcome.skipped:
        print(f"{outcome.skipped} were there already, newer than their images")
    if outcome.failed:
        print(f"{len(outcome.failed)} could not be predicted:", file=sys.stderr)
        print(*outcome.failed, sep="\n", file=sys.stderr)
        raise SystemExit(1)


def _here(
    options: argparse.Namespace, run: "Run", protocol: "Protocol", description: dict[str, Any]
) -> "Outcome":
    from kerasseg.evaluation import Predictor, bucket
    from kerasseg.evaluation import folder_prediction as prediction
    from kerasseg.evaluation.inputs import find_inputs

    if options.workers is not None:
        raise KerassegError("--workers are those of --engine ray: say that too, or leave it out.")
    for uri in filter(bucket.is_uri, [*options.paths, options.out]):
        raise KerassegError(
            f"{bucket.shown(uri)} is a URI, which --engine ray takes; a disk's path is meant."
        )
    images, model = find_inputs(options.paths), run.load_model(WEIGHTS[options.weights])
    outputs = _outputs(options, run)
    prediction.claim_directory(outputs.directory, description, options.overwrite)
    return prediction.predict_files(Predictor(model, protocol, options.devices), images, outputs)


def _on_cluster(
    options: argparse.Namespace, run: "Run", protocol: "Protocol", description: dict[str, Any]
) -> "Outcome":
    from kerasseg.evaluation import bucket, ray_prediction

    if options.devices:
        raise KerassegError("--devices has no effect with --engine ray: say --workers instead.")
    images = ray_prediction.find_images(options.paths)
    uri = options.out if bucket.is_uri(options.out) else ""
    job = ray_prediction.Job(protocol, _outputs(options, run), uri)
    file = run.model_file(WEIGHTS[options.weights])
    return ray_prediction.predict_on_cluster(
        images, file, job, description, options.overwrite, options.workers
    )


def _outputs(options: argparse.Namespace, run: "Run") -> "Outputs":
    from kerasseg.evaluation.folder_prediction import Outputs

    labels = run.description.labels
    return Outputs(
        Path(options.out).absolute(),
        labels,
        options.overlays,
        options.probabilities,
        options.by_windows,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.predict",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("run", metavar="RUN", type=Path, help="a run directory of training.train")
    add("paths", metavar="PATHS", nargs="+", help="images, folders, patterns, or -")
    add("--out", metavar="DIR", required=True, help="where to write")
    add("--overlays", action="store_true", help="writes the colours over the image too")
    add("--probabilities", action="store_true", help="writes those of all classes too, as .npy")
    add("--by-windows", action="store_true", help="TIFF of any size; writes GeoTIFF, with --tile")
    add_protocol_options(parser)
    add("--devices", nargs="+", default=[], metavar="NAME", help="that share an image's tiles")
    add("--overwrite", action="store_true", help="predicts again what is there already")
    add("--engine", choices=["plain", "ray"], default="plain", help="ray: on a Ray cluster")
    add("--workers", type=int, metavar="N", help="copies of the model, with --engine ray")
    return parser


if __name__ == "__main__":
    sys.exit(main(None))
