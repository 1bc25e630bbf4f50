"""Exports a trained run as OUT/<next version>/, a SavedModel for TensorFlow Serving."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from export.images import run_samples
from kerasseg.command_line import counted, program
from kerasseg.evaluation.prediction.options import add_view_options, protocol_from
from kerasseg.run import Run
from kerasseg.serving import ExportRecord, describe_signatures, export_saved_model, read_record
from kerasseg.serving.images import fitting
from kerasseg.serving.signatures import DEFAULT_SIGNATURES, MAX_PIXELS, check_max_pixels
from kerasseg.serving.slimming import PRECISIONS

RUN_FILES = ("run.json", "recipe.toml")


@program
def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the program."""
    options = _parser().parse_args(arguments)
    run = Run.open(options.run)
    model_file = "best.keras" if options.best else "model.keras"
    model = run.load_model(model_file)
    check_max_pixels(options.max_pixels)
    samples = {} if options.no_warmup else run_samples(run)
    images = [fitting(name, image, options.max_pixels) for name, image in samples.items()]
    version = export_saved_model(
        model,
        options.out,
        labels=run.description.labels,
        warmup_images=() if options.no_warmup else images or None,
        assets={name: run.file(name).read_text("utf-8") for name in _present(run)},
        precision=options.precision,
        protocol=protocol_from(options),
        max_pixels=options.max_pixels,
        default_signature=options.default_signature,
        frozen=options.freeze,
        fold=not options.no_fold,
    )
    print(f"{run.file(model_file)} -> {version} ({_megabytes(version):.1f} MB)")
    for signature in describe_signatures(version):
        print(f"  {signature}")
    print(_said(read_record(version)))
    shrunk = sum(image != sample for image, sample in zip(images, samples.values(), strict=True))
    if shrunk:
        print(
            f"Of the {counted(len(samples), 'sample')} in the warm-up requests {shrunk} had more "
            "pixels than that and went in shrunk."
        )
    print(_next_steps(options.run, version, options.best))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m export.saved_model", description=__doc__)
    add = parser.add_argument
    add("run", metavar="RUN", help="the run directory")
    add("out", metavar="OUT", help="the served model's base path, made if need be")
    add("--best", action="store_true", help="the best weights, not the last ones")
    add("--no-warmup", action="store_true", help="write no warm-up requests")
    add("--precision", choices=PRECISIONS, help="to compute in (default: that of the model)")
    add_view_options(parser)
    add(
        "--max-pixels",
        type=_most_pixels,
        metavar="N",
        default=MAX_PIXELS,
        help="the largest image, height times width, by what its header promises before it is "
        "decoded and by what was decoded after; any for any size (default: %(default)s)",
    )
    add(
        "--default-signature",
        choices=DEFAULT_SIGNATURES,
        default="bytes",
        help="what serving_default takes (default: bytes, encoded images)",
    )
    add(
        "--freeze",
        action=argparse.BooleanOptionalAction,
        help="weights as constants, which is faster and takes many times the memory, or variables "
        "(default: constants up to 64 MB)",
    )
    add("--no-fold", action="store_true", help="leave batch norm as it is")
    return parser


def _most_pixels(text: str) -> int | None:
    if text == "any":
        return None
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a number or any is meant; received {text!r}") from None


def _said(record: ExportRecord) -> str:
    """Says what became of the weights."""
    weights = "constants of the graph" if record.frozen else "variables"
    folded, left = len(record.folded), ", ".join(record.not_folded)
    lines = [
        f"Computed in {record.precision}, weights as {weights}, images of up to "
        f"{record.max_pixels or 'any number of'} pixels, {_views(record)}.",
        f"Batch norms folded into the conv before them: {folded}"
        + (f"; not folded: {left}." if left else "."),
    ]
    return "\n".join(lines)


def _views(record: ExportRecord) -> str:
    scales = ", ".join(f"{scale:g}" for scale in record.views.scales)
    return f"seen at scale {scales}{' and mirrored' if record.views.flip else ''}"


def _present(run: Run) -> list[str]:
    return [name for name in RUN_FILES if run.file(name).is_file()]


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def _next_steps(run: str, version: Path, best: bool) -> str:
    base = version.parent.resolve()
    verify = ["python", "-m", "export.verify", run, str(version), *(["--best"] if best else [])]
    serve = ["docker", "run", "--rm", "-p", "8501:8501", "-v", f"{base}:/models/{base.name}"]
    serve += ["-e", f"MODEL_NAME={base.name}", "tensorflow/serving"]
    return (
        f"Compare it with the Keras model:\n  {shlex.join(verify)}\n"
        f"Serve it:\n  {shlex.join(serve)}"
    )


if __name__ == "__main__":
    sys.exit(main(None))
