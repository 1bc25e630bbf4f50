"""Compares an exported SavedModel with the Keras model of its run, on real images.

The SavedModel runs through TensorFlow's C API in a process without Python TensorFlow, Keras and
kerasseg. The exit status is 0 if they agree, 1 if they do not, and 2 after bad input.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from export.images import read_images, run_samples
from kerasseg.command_line import counted, program
from kerasseg.errors import KerassegError
from kerasseg.run import Run
from kerasseg.serving import Comparison, Verification, latest_version, verify_saved_model

COLUMNS = "{:<16}{:>7}{:>13}{:>13}{:>12}{:>9}"
HEADER = COLUMNS.format("signature", "answers", "probability", "other class", "confidence", "ms")
LEGEND = (
    "probability and confidence: largest absolute difference from the Keras model\n"
    "(of a mask: between the Keras class and the mask's, where they differ);\n"
    "other class: share of pixels; ms: median of one call with one image."
)


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program."""
    options = _parser().parse_args(arguments)
    run = Run.open(options.run)
    version = latest_version(Path(options.out))
    images = read_images(options.images) or run_samples(run)
    if not images:
        raise KerassegError(
            f"{run.file('samples')} holds no images; name some: "
            f"python -m export.verify {options.run} {options.out} IMAGE..."
        )
    model_file = "best.keras" if options.best else "model.keras"
    verification = verify_saved_model(version, run.load_model(model_file), images)
    print(f"{version} against {run.file(model_file)}, {counted(len(images), 'image')}")
    print(_table(verification))
    if not verification.agrees:
        print("They disagree. Was it exported from these weights (--best)?", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m export.verify", description=__doc__)
    parser.add_argument("run", metavar="RUN", help="the run directory")
    parser.add_argument("out", metavar="OUT", help="base path (its latest version) or a version")
    parser.add_argument("images", metavar="IMAGE", nargs="*", help="default: the run's samples/")
    parser.add_argument("--best", action="store_true", help="compare with the best weights")
    return parser


def _table(verification: Verification) -> str:
    return "\n".join(
        (
            HEADER,
            *map(_line, verification.comparisons),
            LEGEND,
            f"TensorFlow {verification.tensorflow} through its C API, without Python TensorFlow; "
            f"loaded in {verification.load_seconds:.2f} s.",
            f"{'Agreement' if verification.agrees else 'Disagreement'}: "
            f"the tolerance is {verification.tolerance:g}.",
        )
    )


def _line(comparison: Comparison) -> str:
    return COLUMNS.format(
        comparison.signature,
        comparison.answers,
        f"{comparison.probability:.1e}",
        f"{comparison.other_class / comparison.pixels:.4%}",
        f"{comparison.confidence:.1e}",
        f"{comparison.milliseconds:.1f}",
    )


if __name__ == "__main__":
    sys.exit(main(None))
