"""Compares the time of a SavedModel with that of the Keras model that computes the same.

    python -m benchmarks.saved_model [--networks EfficientFCN RefineNet] [--backbone resnet101]
    python -m benchmarks.saved_model --variants unfrozen folded --rounds 20

Each variant is a SavedModel of its own, run through TensorFlow's C API in a process of its own
without Python TensorFlow; the Keras model runs in another, as a compiled function with the outputs
of `pixels`. They take turns, one call each, after a round that is not counted, so that all of them
see the same machine. Printed are medians, their ratio to the Keras model, the seconds of export
and loading, and the memory of the process after every signature has run. `unfrozen`: weights as
variables, batch norm as it is; `folded`: batch norm folded; `frozen`: folded, weights as constants;
`served`: as `export_saved_model` writes it, folded, and with constants up to a size of the weights.
Below stands what `serving_default` takes over `pixels`, against decoding and encoding alone. The
weights are random, on which nothing of this depends. `--docs docs/serving.md` puts the tables into
the page. Where a goal is missed by what is served, the exit status is 1.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

PROGRAM = "benchmarks/saved_model.py"
VARIANTS: dict[str, dict[str, bool]] = {
    "unfrozen": {"fold": False, "frozen": False},
    "folded": {"fold": True, "frozen": False},
    "frozen": {"fold": True, "frozen": True},
    "served": {},
}
KERAS = "compiled Keras"
CLASSES = 21
SIGNATURES = ("pixels", "serving_default", "probabilities", "overlay")
# Of what is served, in seconds and as a ratio to Keras: no more is wanted than this.
MOST_EXPORT, MOST_LOAD, MOST_RATIO = 60.0, 5.0, 1.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Exports the variants, lets them take turns and prints a table for each network."""
    options = _parser().parse_args(arguments)
    if options.worker:
        task = json.loads(options.task)
        _answer(_keras_work(task) if options.worker == KERAS else _c_api_work(task))
        return
    parts, missed = [], []
    for network in options.networks:
        with tempfile.TemporaryDirectory() as folder:
            found = measure(argparse.Namespace(**vars(options), network=network), folder)
        title = f"{network} on `{options.backbone}`, {options.side}x{options.side} pixels:"
        parts.append(f"{title}\n\n{table(found)}")
        print(parts[-1], flush=True)
        missed += [f"{network}: {goal}" for goal in goals_missed(found)]
    if options.docs:
        from benchmarks import page_table  # not there for the process without Python TensorFlow

        page_table.replace(PROGRAM, "\n\n".join(parts), options.docs)
    if missed:
        raise SystemExit("\n".join(missed))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.saved_model",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    default = ["EfficientFCN", "RefineNet"]
    add("--networks", nargs="+", default=default, help=f"builders (default: {' '.join(default)})")
    add("--backbone", default="resnet101")
    add("--settings", type=json.loads, default={}, metavar="JSON", help="of the builder")
    add("--side", type=int, default=512, help="of the square image (default: 512)")
    # Above 64 MB of weights `folded` is what is served; below it `frozen` is.
    add("--variants", nargs="+", choices=VARIANTS, default=["unfrozen", "served", "frozen"])
    add("--precision", choices=("float32", "bfloat16", "float16"))
    add("--rounds", type=int, default=10)
    add("--docs", type=Path, metavar="FILE", help="puts the tables into it: docs/serving.md")
    # What the program starts for itself.
    add("--worker", help=argparse.SUPPRESS)
    add("--task", default="{}", help=argparse.SUPPRESS)
    return parser


def measure(options: argparse.Namespace, folder: str) -> dict[str, dict[str, float]]:
    """Returns figures by contender and name: seconds, and gigabytes of `memory`."""
    asked_for = ("network", "backbone", "settings", "side", "precision")
    task = {**{name: getattr(options, name) for name in asked_for}, "folder": folder}
    workers = {KERAS: _Worker(KERAS, task)}
    try:
        found = {KERAS: workers[KERAS].ask("files")}
        for name in options.variants:
            found[name] = workers[KERAS].ask(f"export {name}")
            workers[name] = _Worker(name, {**task, "version": str(Path(folder, name, "1"))})
            found[name] |= workers[name].ask("load")
        for signature in SIGNATURES:
            asked = {name: workers[name] for name in options.variants}
            asked |= {KERAS: workers[KERAS]} if signature == "pixels" else {}
            for name, seconds in _in_turns(asked, signature, options.rounds).items():
                found[name][signature] = seconds
        for name, worker in workers.items():
            found[name] |= worker.ask("memory")
        return found
    finally:
        for worker in workers.values():
            worker.close()


def _in_turns(workers: Mapping[str, "_Worker"], signature: str, rounds: int) -> dict[str, float]:
    seconds: dict[str, list[float]] = {name: [] for name in workers}
    for turn in range(rounds + 1):
        for name, worker in workers.items():
            taken = worker.ask(f"run {signature}")["seconds"]
            if turn:
                seconds[name].append(taken)
    return {name: statistics.median(values) for name, values in seconds.items()}


def table(found: Mapping[str, Mapping[str, float]]) -> str:
    """Returns the figures as a table in Markdown.

    Example:
        >>> print(table({KERAS: {"pixels": 2.0}, "served": {"pixels": 1.0}}).splitlines()[-1])
        | served | - | - | 1.000 | - | - | - | - | 0.500 |
    """
    columns = ("export", "load", *SIGNATURES, "memory")
    head = ("", *columns, "pixels / Keras")
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for name, figures in found.items():
        ratio = f"{figures['pixels'] / found[KERAS]['pixels']:.3f}"
        cells = [f"{figures[key]:.3f}" if key in figures else "-" for key in columns]
        lines.append(f"| {' | '.join((name, *cells, ratio))} |")
    files = found[KERAS].get("files")
    if files is not None:
        lines.append(f"\nDecoding and encoding alone: {files:.4f} s. Seconds; memory in GB.")
        more = {
            name: each["serving_default"] - each["pixels"]
            for name, each in found.items()
            if "serving_default" in each
        }
        told = ", ".join(f"{name} {seconds:.4f} s" for name, seconds in more.items())
        lines += [f"`serving_default` takes over `pixels`: {told}."] if more else []
    return "\n".join(lines)


def goals_missed(found: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Returns which goals what is served does not reach, a line each; none without `served`.

    Example:
        >>> served = {"pixels": 1.5, "export": 9.0, "load": 6.0}
        >>> goals_missed({KERAS: {"pixels": 1.0}, "served": served})
        ['loading took 6.0 s, above 5', 'pixels took 1.500 of compiled Keras, above 1']
    """
    figures = found.get("served")
    if figures is None:
        return []
    ratio = figures["pixels"] / found[KERAS]["pixels"]
    missed = [
        (figures["export"] > MOST_EXPORT, f"export took {figures['export']:.0f} s", MOST_EXPORT),
        (figures["load"] > MOST_LOAD, f"loading took {figures['load']:.1f} s", MOST_LOAD),
        (ratio > MOST_RATIO, f"pixels took {ratio:.3f} of {KERAS}", MOST_RATIO),
    ]
    return [f"{said}, above {goal:g}" for is_missed, said, goal in missed if is_missed]


class _Worker:
    """A process that answers one command a line."""

    def __init__(self, name: str, task: Mapping[str, Any]) -> None:
        start = ["-m", "benchmarks.saved_model"] if name == KERAS else ["-I", __file__]
        command = [sys.executable, *start, "--worker", name, "--task", json.dumps(task)]
        pipe = subprocess.PIPE
        quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=quiet)

    def ask(self, command: str) -> dict[str, float]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(command, file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"the process that was asked to {command} has ended")
        return json.loads(line)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def _answer(work: Callable[[str, str], dict[str, float]]) -> None:
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "memory":
            print(json.dumps({"memory": _resident()}), flush=True)
        else:
            print(json.dumps(work(command, argument)), flush=True)


def _resident() -> float:
    with open("/proc/self/statm") as statistics_of_memory:
        return int(statistics_of_memory.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e9


def _timed(run: Callable[[], object]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def _c_api_work(task: Mapping[str, Any]) -> Callable[[str, str], dict[str, float]]:
    sys.path.append(str(Path(__file__).resolve().parents[1] / "kerasseg" / "serving"))
    import numpy as np
    from c_api import SavedModelSession

    pixels = np.load(Path(task["folder"], "pixels.npy"))
    image = np.array([Path(task["folder"], "image.jpg").read_bytes()], object)
    sessions: list[Any] = []

    def work(command: str, argument: str) -> dict[str, float]:
        if command == "load":
            return {"load": _timed(lambda: sessions.append(SavedModelSession(task["version"])))}
        encoded = argument in ("serving_default", "overlay")
        inputs = {"image_bytes": image} if encoded else {"pixels": pixels}
        return {"seconds": _timed(lambda: sessions[0].run(argument, inputs))}

    return work


def _keras_work(task: Mapping[str, Any]) -> Callable[[str, str], dict[str, float]]:
    import numpy as np
    import tensorflow as tf

    import kerasseg
    from kerasseg.serving import SegmentationSignatures, export_saved_model

    builder = getattr(kerasseg, task["network"])
    model = builder(task["backbone"], CLASSES, backbone_weights=None, **task["settings"])
    image = _photo(task["side"])
    jpeg = tf.io.encode_jpeg(image)
    Path(task["folder"], "image.jpg").write_bytes(jpeg.numpy())
    np.save(Path(task["folder"], "pixels.npy"), image[None])
    pixels = tf.function(SegmentationSignatures(model).pixels, autograph=False)

    def work(command: str, argument: str) -> dict[str, float]:
        if command == "export":
            export = lambda: export_saved_model(  # noqa: E731
                model,
                Path(task["folder"], argument),
                warmup_images=(),
                precision=task["precision"],
                **VARIANTS[argument],
            )
            return {"export": _timed(export)}
        if command == "files":
            mask = pixels(tf.constant(image[None]))["mask"][0][..., None]
            through = lambda: (tf.io.decode_jpeg(jpeg), tf.io.encode_png(mask))  # noqa: E731
            return {"files": statistics.median(_timed(through) for _ in range(20))}
        return {"seconds": _timed(lambda: pixels(tf.constant(image[None]))["mask"].numpy())}

    return work


def _photo(side: int) -> Any:
    """Returns a picture with shapes in it: noise would cost a decoder more than a photo does."""
    import numpy as np
    from PIL import Image

    coarse = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))


if __name__ == "__main__":
    main()
