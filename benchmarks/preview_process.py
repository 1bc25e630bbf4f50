"""The preview server in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class PreviewProcess:
    """A preview that runs.

    Attributes:
        url: Of the model, as `SegmentationClient` takes it.
        process: What is measured and must not end.
    """

    url: str
    process: "subprocess.Popen[str]"

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self.process.pid


@contextmanager
def preview_process(out: Path) -> Iterator[PreviewProcess]:
    """Serves an exported model by `export.preview` while the block runs, on any free port.

    Raises:
        SystemExit: If it does not start.
    """
    command = [sys.executable, "-m", "export.preview", str(out.resolve()), "--port", "0"]
    quiet = {**os.environ, "PYTHONPATH": str(_CHECKOUT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(
        command, cwd=_CHECKOUT, env=quiet, stdout=pipe, stderr=nowhere, text=True
    ) as process:
        assert process.stdout is not None
        said = (line.split() for line in process.stdout)
        url = next((words[1] for words in said if words[:1] == ["REST:"]), None)
        try:
            if url is None:
                raise SystemExit(f"the preview of {out} did not start")
            yield PreviewProcess(url.removesuffix(":predict"), process)
        finally:
            process.terminate()
