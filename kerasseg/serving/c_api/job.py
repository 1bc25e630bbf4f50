"""A SavedModel in a process of its own: requests and times by lines, arrays in files."""

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .session import SavedModelError, SavedModelSession

FOREIGN_MODULES = frozenset({"tensorflow", "keras", "kerasseg"})


@dataclass(frozen=True)
class Request:
    """One call.

    Attributes:
        signature: Its name.
        inputs: The file that holds its inputs.
        outputs: The file that shall hold its outputs.
        repetitions: How often it is timed, after one run that is not; 0 for not at all.
    """

    signature: str
    inputs: str
    outputs: str
    repetitions: int = 0


def main(saved_model: str) -> str | None:
    """Answers each line of standard input by one of standard output; see `answers`.

    Returns:
        What went wrong, or None.
    """
    lines = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the library prints is no answer
    requests = (Request(**json.loads(line)) for line in sys.stdin)
    try:
        for answer in answers(saved_model, requests):
            print(json.dumps(answer), file=lines, flush=True)
    except SavedModelError as error:
        return str(error).partition("\n")[0]  # the places in the graph that follow help nobody
    return None


def answers(saved_model: str, requests: Iterable[Request]) -> Iterator[dict[str, Any]]:
    """Loads a SavedModel once, runs each request as it comes and stores what it answers.

    Args:
        saved_model: The version directory.
        requests: What to run, in this order.

    Yields:
        First `tensorflow`, the library's version, and `load_seconds`; then for each request
        `seconds`, its median time.

    Raises:
        SavedModelError: If the model cannot be loaded, a run fails, or the process turns out to
            have imported Python TensorFlow, Keras or kerasseg.
    """
    start = time.perf_counter()
    with SavedModelSession(saved_model) as session:
        yield {"tensorflow": session.version, "load_seconds": time.perf_counter() - start}
        for request in requests:
            seconds = _run(session, request)
            foreign = sorted(FOREIGN_MODULES & sys.modules.keys())
            if foreign:
                raise SavedModelError(
                    f"this process imported {', '.join(foreign)}: the proof is void."
                )
            yield {"seconds": seconds}


def _run(session: SavedModelSession, request: Request) -> float:
    inputs = load_tensors(Path(request.inputs))
    save_tensors(Path(request.outputs), session.run(request.signature, inputs))
    times = []
    for _ in range(request.repetitions):
        start = time.perf_counter()
        session.run(request.signature, inputs)
        times.append(time.perf_counter() - start)
    return float(np.median(times)) if times else 0.0


def save_tensors(path: Path, tensors: Mapping[str, np.ndarray]) -> None:
    """Writes arrays to an `.npz` file, lists of byte strings as one array and their lengths."""
    arrays = {}
    for name, array in tensors.items():
        if array.dtype != object:
            arrays[name] = array
            continue
        arrays[f"{name}/bytes"] = np.frombuffer(b"".join(array), np.uint8)
        arrays[f"{name}/lengths"] = np.array([len(text) for text in array], np.int64)
    np.savez(path, allow_pickle=False, **arrays)


def load_tensors(path: Path) -> dict[str, np.ndarray]:
    """Reads what `save_tensors` wrote."""
    with np.load(path) as stored:
        arrays = dict(stored)
    tensors = {name: array for name, array in arrays.items() if "/" not in name}
    for key in arrays:
        name, _, part = key.partition("/")
        if part == "lengths":
            tensors[name] = _strings(arrays[f"{name}/bytes"].tobytes(), arrays[key])
    return tensors


def _strings(text: bytes, lengths: np.ndarray) -> np.ndarray:
    ends = np.cumsum(lengths)
    strings = np.empty(len(lengths), object)
    strings[:] = [text[end - length : end] for end, length in zip(ends, lengths, strict=True)]
    return strings
