"""`training.train` with the tiny backbone, killed as nobody can catch at a given moment.

    python -m tests.training.train_killed step:STEP:MILLISECONDS ARGUMENTS
    python -m tests.training.train_killed save:EPOCH:OPERATION ARGUMENTS
    python -m tests.training.train_killed torn:EPOCH:ENTRY ARGUMENTS
    python -m tests.training.train_killed best:SAVE:OPERATION ARGUMENTS
    python -m tests.training.train_killed full:KILOBYTES ARGUMENTS
    python -m tests.training.train_killed never ARGUMENTS

The first counts the steps of this process and waits some milliseconds more. The second counts the
epochs of this process, and in the save after the last of them the operations on files; the third
counts the entries that are written into the archive of the variables, and leaves it torn. The
fourth does as the second in the saves of the best model, where an entry of its archive counts as
an operation too. With `full` no file can become larger, as on a full disk.

Where the variable KERASSEG_KILLED names a file, it says there what it did as it was killed.
"""

import os
import resource
import signal
import sys
import threading
import time
import zipfile
from pathlib import Path

import numpy as np

import kerasseg.files
from kerasseg.callbacks import BestModel, EpochCheckpoint, Progress
from tests.tiny import tiny_backbone
from training.train import main

OPERATIONS = (
    (os, "rename"),
    (os, "replace"),
    (os, "unlink"),
    (os, "rmdir"),
    (os, "mkdir"),
    (np, "savez"),
    (kerasseg.files, "_flush"),
)
ENTRIES = ((zipfile.ZipFile, "open"),)
doing = ["training"]


def kill() -> None:
    if place := os.environ.get("KERASSEG_KILLED"):
        Path(place).write_text(doing[-1])
    os.kill(os.getpid(), signal.SIGKILL)


def say(owner: type, method: str, what: str) -> None:
    """Has `doing` tell of a method while it runs."""
    original = getattr(owner, method)

    def call(*arguments, **options):
        doing.append(what)
        try:
            return original(*arguments, **options)
        finally:
            doing.pop()

    setattr(owner, method, call)


def at_step(step: int, milliseconds: int) -> None:
    original = Progress.on_train_batch_end
    left = [step]

    def on_train_batch_end(self, batch, logs=None):
        left[0] -= 1
        if left[0] == 0 and milliseconds == 0:
            kill()
        elif left[0] == 0:
            threading.Thread(target=lambda: (time.sleep(milliseconds / 1000), kill())).start()
        original(self, batch, logs)

    Progress.on_train_batch_end = on_train_batch_end


def within(owner: type, method: str, call: int, operation: int, counted) -> None:
    """Kills in one of the operations of one of the calls of a method."""
    original = getattr(owner, method)
    left = [call]

    def called(self, *arguments, **options):
        left[0] -= 1
        if left[0] == 0:
            count_down(operation, counted)
        original(self, *arguments, **options)

    setattr(owner, method, called)


def count_down(operation: int, counted) -> None:
    """Kills in the place of one of the operations that are to come."""
    left = [operation]

    def in_its_place(function):
        def call(*arguments, **options):
            left[0] -= 1
            if left[0] == 0:
                kill()
            return function(*arguments, **options)

        return call

    for module, name in counted:
        setattr(module, name, in_its_place(getattr(module, name)))


def full(kilobytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * kilobytes, 1024 * kilobytes))


SAVE, BEST = (EpochCheckpoint, "on_epoch_end"), (BestModel, "on_test_end")
KINDS = {
    "step": at_step,
    "save": lambda *numbers: within(*SAVE, *numbers, OPERATIONS),
    "torn": lambda *numbers: within(*SAVE, *numbers, ENTRIES),
    "best": lambda *numbers: within(*BEST, *numbers, (*OPERATIONS, *ENTRIES)),
    "full": full,
    "never": lambda: None,
}

if __name__ == "__main__":
    say(*SAVE, "saving the checkpoint")
    say(*BEST, "saving the best")
    kind, *numbers = sys.argv[1].split(":")
    KINDS[kind](*map(int, numbers))
    with tiny_backbone():
        sys.exit(main(sys.argv[2:]))
