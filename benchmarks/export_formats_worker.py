"""One form of `benchmarks.export_formats`: the seconds of one image for each line that comes in."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def main() -> None:
    """Loads what the task names and times it."""
    task = json.loads(sys.argv[1])
    path = Path(task["folder"], task["file"])
    if task["kind"] == "saved_model":
        sys.path.append(str(Path(__file__).resolve().parents[1] / "kerasseg" / "serving"))
    import numpy as np

    run = _RUNS.get(task["kind"], _artifact)(path, task)
    pixels = np.load(Path(task["folder"], "pixels.npy"))
    for _ in sys.stdin:
        begin = time.perf_counter()
        run(pixels)
        print(time.perf_counter() - begin, flush=True)


def _saved_model(path: Path, task: Mapping[str, Any]) -> Callable[[Any], Any]:
    from c_api import SavedModelSession

    session = SavedModelSession(str(path / "1"))
    return lambda pixels: session.run("probabilities", {"pixels": pixels})


def _keras(path: Path, task: Mapping[str, Any]) -> Callable[[Any], Any]:
    import tensorflow as tf

    from kerasseg import load
    from kerasseg.evaluation.inference.protocol import Protocol
    from kerasseg.evaluation.inference.views import Views
    from kerasseg.serving.reference import as_exported

    model = load(path)
    model = as_exported(model, task["precision"]) if task["precision"] else model
    function = tf.function(Views(model, Protocol()).probabilities, autograph=False)
    return lambda pixels: function(tf.constant(pixels)).numpy()


def _artifact(path: Path, task: Mapping[str, Any]) -> Callable[[Any], Any]:
    from kerasseg.formats import open_artifact

    return open_artifact(path, threads=task["threads"], precision=task["computed"]).run


_RUNS = {"saved_model": _saved_model, "keras": _keras}


if __name__ == "__main__":
    main()
