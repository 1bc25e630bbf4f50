"""Exports a trained run as OUT/<next version>/, a SavedModel for TensorFlow Serving."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from export.images import run_samples
from kerasseg.command_line import program
from kerasseg.run import Run
from kerasseg.serving import describe_signatures, export_saved_model

RUN_FILES = ("run.json", "recipe.toml")


@program
def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the program."""
    options = _parser().parse_args(arguments)
    run = Run.open(options.run)
    model_file = "best.keras" if options.best else "model.keras"
    model = run.load_model(model_file)
    samples = [] if options.no_warmup else [*run_samples(run).values()]
    version = export_saved_model(
        model,
        options.out,
        labels=run.description.labels,
        warmup_images=() if options.no_warmup else samples or None,
        assets={name: run.file(name).read_text("utf-8") for name in _present(run)},
    )
    print(f"{run.file(model_file)} -> {version} ({_megabytes(version):.1f} MB)")
    for signature in describe_signatures(version):
        print(f"  {signature}")
    print(_next_steps(options.run, version, options.best))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m export.saved_model", description=__doc__)
    parser.add_argument("run", metavar="RUN", help="the run directory")
    parser.add_argument("out", metavar="OUT", help="the served model's base path, made if need be")
    parser.add_argument("--best", action="store_true", help="the best weights, not the last ones")
    parser.add_argument("--no-warmup", action="store_true", help="write no warm-up requests")
    return parser


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
