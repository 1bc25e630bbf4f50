"""`training.predict`, killed as nobody can catch with half of a picture on the disk.

    python -m tests.training.predict_killed PICTURE ARGUMENTS

PICTURE counts those that this process writes, from 1.
"""

import io
import os
import signal
import sys
from itertools import count
from pathlib import Path

from PIL import Image

from training.predict import main

original, number = Image.Image.save, count(1)


def save(picture: Image.Image, file: Path) -> None:
    if next(number) < int(sys.argv[1]):
        original(picture, file)
        return
    whole = io.BytesIO()
    original(picture, whole, "png")
    file.write_bytes(whole.getvalue()[: whole.tell() // 2])
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    Image.Image.save = save  # type: ignore[assignment,method-assign]
    sys.exit(main(sys.argv[2:]))
