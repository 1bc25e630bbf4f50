"""Compares exported files with the Keras model of their run, on real and on hostile images.

ARTIFACT is the directory of a SavedModel (its latest version, or a version), or a file that ends in
.onnx, .tflite or .xml. The SavedModel runs through TensorFlow's C API in a process without Python
TensorFlow, Keras and kerasseg; the others by ONNX Runtime, LiteRT and OpenVINO. With --data-dir or
--images the mean IoU on the validation split is compared too. The exit status is 0 if all agree, 1
if one does not, and 2 after bad input.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from export.images import SUFFIXES, read_images, run_samples
from kerasseg.command_line import counted, program
from kerasseg.errors import KerassegError
from kerasseg.formats import ArtifactVerification, labelled_images_of_run, verify_artifact
from kerasseg.run import Run
from kerasseg.serving import Comparison
from kerasseg.serving.comparison import COLOUR_TOLERANCE

COLUMNS = "{:<16}{:>7}{:>13}{:>13}{:>12}{:>8}{:>9}"
HEADER = COLUMNS.format(
    "signature", "answers", "probability", "other class", "confidence", "colour", "ms"
)
LEGEND = (
    "probability and confidence: largest absolute difference from the Keras model in float32, or\n"
    "in the 16 bits of a SavedModel (of a mask: between the Keras class and the mask's, where\n"
    "they differ); other class: share of pixels; colour: mean difference of an overlay's values\n"
    "0..255 from those of the Keras classes in the palette of labels.json, of the worst image\n"
    f"(up to {COLOUR_TOLERANCE:g} is agreement); ms: median of one call with one image; hostile:\n"
    "images of unusual sizes and contents, not timed; -: none, or not told."
)


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program."""
    options = _parser().parse_args(arguments)
    run = Run.open(options.run)
    is_image = [Path(name).suffix.lower() in SUFFIXES for name in options.files]
    named = [file for file, image in zip(options.files, is_image, strict=True) if image]
    artifacts = [file for file, image in zip(options.files, is_image, strict=True) if not image]
    if not artifacts:
        raise KerassegError("name what was exported: python -m export.verify RUN ARTIFACT...")
    images = read_images(named) or run_samples(run)
    if not images:
        raise KerassegError(
            f"{run.file('samples')} holds no images; name some: "
            f"python -m export.verify {options.run} {artifacts[0]} IMAGE..."
        )
    model_file = "best.keras" if options.best else "model.keras"
    model, examples = run.load_model(model_file), None
    if options.data_dir is not None or options.images is not None:
        examples = labelled_images_of_run(run, options.data_dir, options.images)
    agree = True
    for artifact in artifacts:
        found = verify_artifact(
            artifact, model, images, examples=examples, precision=options.openvino_precision
        )
        print(f"{found.path} against {run.file(model_file)}, {counted(len(images), 'image')}")
        print(_table(found))
        agree = agree and found.agrees
    if not agree:
        print("They disagree. Was it exported from these weights (--best)?", file=sys.stderr)
    return 0 if agree else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m export.verify",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("run", metavar="RUN", help="the run directory")
    add(
        "files",
        metavar="ARTIFACT|IMAGE",
        nargs="+",
        help="what was exported, and images to compare on (default: the run's samples/)",
    )
    add("--best", action="store_true", help="compare with the best weights")
    add("--data-dir", metavar="DIR", help="where the data lie, if not where the recipe says")
    add("--images", type=int, metavar="N", help="mean IoU on N images only, spread evenly")
    add(
        "--openvino-precision",
        choices=("float32", "bfloat16"),
        default="float32",
        help="what OpenVINO computes in (default: %(default)s)",
    )
    return parser


def _table(found: ArtifactVerification) -> str:
    score = found.score
    scored = (
        []
        if score is None
        else [
            f"mean IoU {score.mean_iou:.4f} in {found.precision}, the Keras model as it is "
            f"evaluated {score.keras_mean_iou:.4f} in {score.keras_precision}: "
            f"{100 * score.loss:+.2f} points lost; other class: {score.other_class:.4%} "
            f"({counted(score.images, 'image')})"
        ]
    )
    return "\n".join(
        (
            HEADER,
            *map(_line, found.comparisons),
            _line(found.hostile),
            LEGEND,
            *_shrunk(found),
            *scored,
            f"{found.runtime}.",
            *(f"  {complaint}" for complaint in found.complaints),
            f"{'Agreement' if found.agrees else 'Disagreement'}: the tolerance is {found.limits}.",
        )
    )


def _shrunk(found: ArtifactVerification) -> list[str]:
    if not found.shrunk:
        return []
    return [
        f"{counted(found.shrunk, 'image')}, hostile ones included, had more pixels than it takes "
        "(--max-pixels) and went in shrunk."
    ]


def _line(comparison: Comparison) -> str:
    return COLUMNS.format(
        comparison.signature,
        comparison.answers,
        f"{comparison.probability:.1e}" if comparison.pixels else "-",
        f"{comparison.other_class / comparison.pixels:.4%}" if comparison.pixels else "-",
        f"{comparison.confidence:.1e}" if comparison.confidence else "-",
        "-" if comparison.colour is None else f"{comparison.colour:.2f}",
        f"{comparison.milliseconds:.1f}" if comparison.milliseconds else "-",
    )


if __name__ == "__main__":
    sys.exit(main(None))
