"""A job for a process of its own: requests in files, answers in files, a report of the times."""

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .session import SavedModelError, SavedModelSession

FOREIGN_MODULES = frozenset({"tensorflow", "keras", "kerasseg"})


@dataclass(frozen=True)
class Request:
    """One call: its signature, and the files that hold its inputs and shall hold its outputs."""

    signature: str
    inputs: str
    outputs: str


def main(job_file: str, report_file: str) -> str | None:
    """Runs a job file and writes the report. Returns what went wrong, or None.

    The job's keys are the arguments of `run_job`; the report is what it returns.
    """
    job = json.loads(Path(job_file).read_bytes())
    requests = [Request(**request) for request in job["requests"]]
    try:
        report = run_job(job["saved_model"], requests, job["repetitions"])
    except SavedModelError as error:
        return str(error).partition("\n")[0]  # the places in the graph that follow help nobody
    Path(report_file).write_text(json.dumps(report), "utf-8")
    return None


def run_job(saved_model: str, requests: list[Request], repetitions: int) -> dict[str, Any]:
    """Runs each request, stores the answers and returns a report.

    Args:
        saved_model: The version directory.
        requests: What to run, in this order.
        repetitions: How often each request is timed, after one run that is not; 0 for not at all.

    Returns:
        `tensorflow`: the library's version; `load_seconds`; `seconds`: the median time of each
        request.

    Raises:
        SavedModelError: If the model cannot be loaded, a run fails, or the process turns out to
            have imported Python TensorFlow, Keras or kerasseg.
    """
    start = time.perf_counter()
    with SavedModelSession(saved_model) as session:
        loaded = time.perf_counter()
        seconds = [_run(session, request, repetitions) for request in requests]
        foreign = sorted(FOREIGN_MODULES & sys.modules.keys())
        if foreign:
            raise SavedModelError(f"this process imported {', '.join(foreign)}: the proof is void.")
        return {
            "tensorflow": session.version,
            "load_seconds": loaded - start,
            "seconds": seconds,
        }


def _run(session: SavedModelSession, request: Request, repetitions: int) -> float:
    inputs = load_tensors(Path(request.inputs))
    save_tensors(Path(request.outputs), session.run(request.signature, inputs))
    times = []
    for _ in range(repetitions):
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
