"""Many requests at once, each answer compared with what belongs to its question.

Run by its path, `python -I benchmarks/load.py VERSION FOLDER`, it is the process that loads a
SavedModel through TensorFlow's C API, without Python TensorFlow: it reads rounds from its input, as
JSON a line, and answers each with what it measured.
"""

import io
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

SAMPLED = 25  # requests between two looks at the memory


@dataclass(frozen=True)
class Question:
    """An encoded image and the mask that belongs to it."""

    image: bytes
    mask: np.ndarray


@dataclass
class Load:
    """What a round of requests showed.

    Attributes:
        concurrency: How many requests were under way at once.
        seconds: From the first question to the last answer.
        latencies: Seconds of each request that was answered.
        lost: What those said that were not answered.
        mixed_up: How many answers were another question's, or nobody's.
        memory: Resident bytes of the server after each `SAMPLED` requests.
    """

    concurrency: int
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    mixed_up: int = 0
    memory: list[int] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Returns the seconds within which so many per cent of the requests were answered."""
        return float(np.percentile(self.latencies, share))


def drive(
    ask: Callable[[bytes], bytes],
    questions: Sequence[Question],
    requests: int,
    concurrency: int,
    pid: int,
) -> Load:
    """Asks `requests` times from `concurrency` threads.

    Args:
        ask: An encoded image to the PNG of its mask.
        questions: Asked in turn.
        requests: How many, all threads together.
        concurrency: How many threads.
        pid: The process whose memory is looked at.
    """
    load, numbers, lock = Load(concurrency), iter(range(requests)), threading.Lock()

    def work() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            found = _asked(ask, questions[number % len(questions)])
            with lock:
                _note(load, found)
                if (number + 1) % SAMPLED == 0:
                    load.memory.append(resident(pid))

    threads = [threading.Thread(target=work) for _ in range(concurrency)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load.seconds = time.perf_counter() - begin
    return load


def _asked(ask: Callable[[bytes], bytes], question: Question) -> tuple[float, bool] | str:
    """Returns the seconds and whether the answer is the question's own; or what went wrong."""
    begin = time.perf_counter()
    try:
        mask = ask(question.image)
    except Exception as error:  # whatever it is, the request is lost and the others go on
        return f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - begin
    return seconds, np.array_equal(decode_png(mask), question.mask)


def _note(load: Load, found: tuple[float, bool] | str) -> None:
    if isinstance(found, str):
        load.lost.append(found)
        return
    load.latencies.append(found[0])
    load.mixed_up += not found[1]


def decode_png(contents: bytes) -> np.ndarray:
    """Returns the class ids of a mask, `(H, W)`."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(contents)))


def resident(pid: int) -> int:
    """Returns the resident bytes of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def store(questions: Sequence[Question], folder: Path) -> None:
    """Writes questions for the process of the C API."""
    for place, question in enumerate(questions):
        (folder / f"{place}.image").write_bytes(question.image)
        np.save(folder / f"{place}.npy", question.mask)


def stored(folder: Path) -> list[Question]:
    """Returns what `store` wrote."""
    count = len([*folder.glob("*.image")])
    return [
        Question((folder / f"{place}.image").read_bytes(), np.load(folder / f"{place}.npy"))
        for place in range(count)
    ]


def _serve_rounds(version: str, folder: str) -> None:
    sys.path.append(str(Path(__file__).resolve().parents[1] / "kerasseg" / "serving"))
    from c_api import SavedModelSession

    questions = stored(Path(folder))
    with SavedModelSession(version) as session:

        def ask(image: bytes) -> bytes:
            inputs = {"image_bytes": np.array([image], object)}
            mask: bytes = session.run("serving_default", inputs)["mask_bytes"][0]
            return mask

        for line in sys.stdin:
            task: dict[str, Any] = json.loads(line)
            load = drive(ask, questions, task["requests"], task["concurrency"], os.getpid())
            print(json.dumps(asdict(load)), flush=True)


if __name__ == "__main__":
    _serve_rounds(*sys.argv[1:])
