"""A SavedModel that runs through TensorFlow's C API in a process of its own, loaded once."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from kerasseg.errors import KerassegError
from kerasseg.serving.assets import read_record
from kerasseg.serving.c_api.job import Request, load_tensors, save_tensors

_C_API = Path(__file__).with_name("c_api")


class SavedModelProcess:
    """A process that loads a SavedModel and answers until it is closed.

    It imports neither Python TensorFlow nor Keras nor kerasseg. It is a context manager.

    Args:
        version: The version directory.

    Attributes:
        version: The version directory.
        record: How the SavedModel was exported.
        tensorflow: Version of the C library.
        load_seconds: What the C API took to load its library and the SavedModel.

    Raises:
        KerassegError: If it is not known how it was exported, or it cannot be loaded.

    Example (not run here, since it takes a SavedModel):
        with SavedModelProcess(Path("served/leaves/1")) as process:
            answer, _ = process.answer("pixels", {"pixels": pixels})
    """

    def __init__(self, version: Path) -> None:
        self.record = read_record(version)
        self.version = version
        self._folder = tempfile.TemporaryDirectory(prefix="kerasseg-verify-")
        self._errors = Path(self._folder.name, "errors")
        with self._errors.open("w") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(_C_API), str(version.resolve())],
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        try:
            report = self._reply()
        except BaseException:
            self.close()
            raise
        self.tensorflow: str = report["tensorflow"]
        self.load_seconds: float = report["load_seconds"]

    def __enter__(self) -> "SavedModelProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def process_id(self) -> int:
        """The number that the system knows the process by."""
        return self._process.pid

    def close(self) -> None:
        """Ends the process, whatever it is at, and removes its files."""
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()

    def answer(
        self, signature: str, inputs: Mapping[str, np.ndarray], repetitions: int = 0
    ) -> tuple[dict[str, np.ndarray], float]:
        """Returns the outputs of a signature by name, and the median seconds of a call.

        Args:
            signature: Its name.
            inputs: Arrays by name; strings are `bytes` in an array of objects.
            repetitions: How often the call is timed; 0 for not at all.

        Raises:
            KerassegError: If it cannot be run.
        """
        files = [Path(self._folder.name, f"{side}.npz") for side in ("in", "out")]
        save_tensors(files[0], inputs)
        request = Request(signature, str(files[0]), str(files[1]), repetitions)
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(asdict(request)) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None
        seconds: float = self._reply()["seconds"]
        return load_tensors(files[1]), seconds

    def masks(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns the class ids `(H, W)` of images, uint8 `(H, W, 3)`.

        Raises:
            KerassegError: If it cannot be run, or takes no images as large as one of them.
        """
        most = self.record.max_pixels
        large = [each.shape for each in images if most and each.shape[0] * each.shape[1] > most]
        if large:
            raise KerassegError(
                f"{self.version} takes images of at most {most} pixels, and one of the data set "
                f"has {large[0][0]}x{large[0][1]}: compare without the data set, or export it "
                "with a larger max_pixels (--max-pixels)."
            )
        signature = next(name for name, kind in self.record.kinds.items() if kind == "pixels")
        return [self.answer(signature, {"pixels": each[None]})[0]["mask"][0] for each in images]

    def _reply(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._ended()
        return json.loads(line)

    def _ended(self) -> KerassegError:
        status = self._process.wait()
        lines = self._errors.read_text(errors="replace").strip().splitlines()
        # With status 1 Python ends, and what is wrong stands last; else nobody has said it.
        said = lines[-1] if status == 1 and lines else f"it ended with status {status}"
        return KerassegError(
            f"{self.version} does not run through TensorFlow's C API; export it again. It said:\n"
            f"{said}"
        )
