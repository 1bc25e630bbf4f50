"""Compares every form that a run can be exported in, and writes the table into docs/export.md.

    python -m benchmarks.export_formats RUN --data-dir DIR [--images N] [--threads N] [--rounds N]

Size on disk; the time of one validation image, pixels in and probabilities out; and the mean IoU on
the validation split, beside that of the Keras model, and the share of pixels whose class is another
than that of the Keras model in float32.
Each form runs in a process of its own, the SavedModel through TensorFlow's C API, with the same
number of threads. They take turns, one call each, after two rounds that are not counted, so that
all of them see the same machine; the medians stand in the table. On a machine that does something
else too the ratios say more than the times.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import page_table

PROGRAM = "benchmarks/export_formats.py"
UNCOUNTED = 2


@dataclass(frozen=True)
class Form:
    """A form of the model.

    Attributes:
        name: Its row.
        file: In the working directory.
        kind: `"keras"`, `"saved_model"`, `"onnx"`, `"litert"` or `"openvino"`.
        precision: It is exported in; of Keras what is computed in, empty for that of the model.
        computed: What OpenVINO is told to compute in.
    """

    name: str
    file: str
    kind: str
    precision: str = "float32"
    computed: str = "float32"


FORMS = (
    Form("Keras, compiled, as trained", "model.keras", "keras", ""),
    Form("Keras, compiled, float32", "model.keras", "keras"),
    Form("SavedModel (C API), float32", "served", "saved_model"),
    Form("SavedModel (C API), bfloat16", "served16", "saved_model", "bfloat16"),
    Form("SavedModel (C API), float16", "served_half", "saved_model", "float16"),
    Form("ONNX float32", "float32.onnx", "onnx"),
    Form("ONNX int8", "int8.onnx", "onnx", "int8"),
    Form("LiteRT float32", "float32.tflite", "litert"),
    Form("LiteRT float16", "float16.tflite", "litert", "float16"),
    Form("LiteRT int8", "int8.tflite", "litert", "int8"),
    Form("OpenVINO float32", "float32.xml", "openvino"),
    Form("OpenVINO float16 weights", "float16.xml", "openvino", "float16"),
    Form("OpenVINO bfloat16", "float32.xml", "openvino", computed="bfloat16"),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Exports every form, measures it and writes the table."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="kerasseg-formats-") as temporary:
        folder = Path(options.folder or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        text = table(measure(options, folder), options)
    print(text)
    if options.docs:
        page_table.replace(PROGRAM, text, options.docs)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.export_formats",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("run", metavar="RUN", nargs="?", help="the run directory")
    add("--data-dir", metavar="DIR", help="where the data lie, if not where the recipe says")
    add("--images", type=int, metavar="N", help="mean IoU on N images, spread evenly")
    add("--calibration-images", type=int, default=64, metavar="N", help="of int8 (default: 64)")
    add("--threads", type=int, default=os.cpu_count(), metavar="N", help="(default: all cores)")
    add("--rounds", type=int, default=20, metavar="N", help="(default: 20)")
    add("--only", nargs="+", choices=[form.name for form in FORMS], metavar="FORM")
    add("--folder", metavar="DIR", help="keeps what is exported there, and uses what is there")
    add("--docs", type=Path, metavar="FILE", help="puts the table into it: docs/export.md")
    return parser


def measure(options: argparse.Namespace, folder: Path) -> dict[Form, dict[str, float]]:
    """Returns `bytes`, `seconds`, `mean_iou` and `other_class` of each form."""
    import numpy as np

    from kerasseg.formats import labelled_images_of_run
    from kerasseg.run import Run

    run = Run.open(options.run)
    forms = [form for form in FORMS if not options.only or form.name in options.only]
    examples = labelled_images_of_run(run, options.data_dir, options.images)
    _export(run, forms, folder, options)
    np.save(folder / "pixels.npy", next(iter(examples))[0][None])
    seconds = _in_turns(forms, folder, options.threads, options.rounds)
    found = {}
    for form in forms:
        scores = _scores(form, run, folder, examples)
        found[form] = {"bytes": _bytes(folder / form.file), "seconds": seconds[form], **scores}
    return found


def _export(run: Any, forms: Sequence[Form], folder: Path, options: argparse.Namespace) -> None:
    import kerasseg
    from kerasseg.formats import calibration_of_run

    model = run.load_model()
    exporters: dict[str, Callable[..., Any]] = {
        "onnx": kerasseg.export_onnx,
        "litert": kerasseg.export_litert,
        "openvino": kerasseg.export_openvino,
    }
    for form in forms:
        path, more = folder / form.file, {}
        if path.exists():
            continue
        if form.kind == "keras":
            model.save(path)
        elif form.kind == "saved_model":
            kerasseg.export_saved_model(model, path, warmup_images=(), precision=form.precision)
        else:
            if form.precision == "int8":
                count = options.calibration_images
                more["calibration_images"] = calibration_of_run(run, options.data_dir, count, 0)
            labels = run.description.labels
            exporters[form.kind](model, path, labels=labels, precision=form.precision, **more)


def _scores(form: Form, run: Any, folder: Path, examples: Any) -> dict[str, float]:
    from kerasseg.formats.score import score
    from kerasseg.formats.verification import masks_of

    model, path = run.load_model(), folder / form.file
    of_keras = form.kind == "keras"
    masks = _classes_of(model, form.precision) if of_keras else masks_of(path, form.computed)
    found = score(masks, _classes_of(model, "float32"), examples)
    return {"mean_iou": found.mean_iou, "other_class": found.other_class, "images": found.images}


def _classes_of(model: Any, precision: str) -> Callable[[Any], Any]:
    from kerasseg.evaluation import Predictor
    from kerasseg.serving.reference import as_exported

    predictor = Predictor(as_exported(model, precision) if precision else model)
    return lambda images: [predictor.classes(image[None])[0] for image in images]


def _bytes(path: Path) -> int:
    files = [*path.rglob("*")] if path.is_dir() else [path]
    if path.suffix == ".xml":
        files.append(path.with_suffix(".bin"))
    return sum(each.stat().st_size for each in files if each.is_file())


def table(found: Mapping[Form, Mapping[str, float]], options: argparse.Namespace) -> str:
    """Returns the figures as a table in Markdown, with a line on what they are of.

    Example:
        >>> figures = {"bytes": 2e6, "seconds": 0.1, "mean_iou": 0.7, "other_class": 0.01}
        >>> options = argparse.Namespace(run="runs/leaves", threads=2)
        >>> print(table({FORMS[5]: {**figures, "images": 9}}, options).splitlines()[2])
        | ONNX float32 | 2.0 | 100.0 | - | 0.7000 | 1.00 % |
    """
    head = ("form", "MB", "ms", "times as fast", "mean IoU", "other class")
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    first = {form.kind: form for form in reversed([*found]) if form.precision == "float32"}
    for form, figures in found.items():
        base = first.get(form.kind, form)
        faster = found[base]["seconds"] / figures["seconds"]
        cells = (
            form.name,
            f"{figures['bytes'] / 1e6:.1f}",
            f"{1e3 * figures['seconds']:.1f}",
            "-" if base is form else f"{faster:.2f}",
            f"{figures['mean_iou']:.4f}",
            f"{figures['other_class']:.2%}".replace("%", " %"),
        )
        lines.append(f"| {' | '.join(cells)} |")
    images = max((int(figures["images"]) for figures in found.values()), default=0)
    threads = f"{options.threads} thread{'s' if options.threads > 1 else ''}"
    return "\n".join([*lines, "", f"`{Path(options.run).name}`, {threads}, {images} images."])


def _in_turns(forms: Sequence[Form], folder: Path, threads: int, rounds: int) -> dict[Form, float]:
    """Returns the median seconds of one image of each form."""
    workers = {form: _Worker(form, folder, threads) for form in forms}
    seconds: dict[Form, list[float]] = {form: [] for form in forms}
    try:
        for turn in range(rounds + UNCOUNTED):
            for form, worker in workers.items():
                taken = worker.ask()
                if turn >= UNCOUNTED:
                    seconds[form].append(taken)
    finally:
        for worker in workers.values():
            worker.close()
    return {form: statistics.median(times) for form, times in seconds.items()}


class _Worker:
    """A process that segments the image once for each line that it reads."""

    def __init__(self, form: Form, folder: Path, threads: int) -> None:
        task = {**vars(form), "folder": str(folder), "threads": threads}
        program = "benchmarks.export_formats_worker"
        # Without Python TensorFlow, which would be found otherwise.
        alone = ["-I", str(Path(__file__).with_name("export_formats_worker.py"))]
        start = alone if form.kind == "saved_model" else ["-m", program]
        names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
        pipe = subprocess.PIPE
        self._name = form.name
        self._process = subprocess.Popen(
            [sys.executable, *start, json.dumps(task)],
            stdin=pipe,
            stdout=pipe,
            text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **dict.fromkeys(names, str(threads))},
        )

    def ask(self) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print("run", file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"the process of {self._name} has ended")
        return float(line)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


if __name__ == "__main__":
    main()
