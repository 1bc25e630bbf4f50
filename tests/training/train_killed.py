"""`training.train` with the tiny backbone, killed as nobody can catch at a given moment.

    python -m tests.training.train_killed step:STEP:MILLISECONDS ARGUMENTS
    python -m tests.training.train_killed save:EPOCH:OPERATION ARGUMENTS
    python -m tests.training.train_killed full:KILOBYTES ARGUMENTS
    python -m tests.training.train_killed never ARGUMENTS

The first counts the steps of this process and waits some milliseconds more; the second counts
the epochs of this process, and in the save after the last of them the operations on files; the
third lets no file become larger, as a full disk would not.
"""

import os
import resource
import signal
import sys
import threading
import time

import numpy as np

import kerasseg.files
from kerasseg.callbacks import EpochCheckpoint, Progress
from tests.tiny import tiny_backbone
from training.train import main


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


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


def within_save(epoch: int, operation: int) -> None:
    original = EpochCheckpoint.on_epoch_end
    left = [epoch]

    def on_epoch_end(self, number, logs=None):
        left[0] -= 1
        if left[0] == 0:
            count_down(operation)
        original(self, number, logs)

    EpochCheckpoint.on_epoch_end = on_epoch_end


def count_down(operation: int) -> None:
    """Kills in the place of one of the operations on files that are to come."""
    left = [operation]

    def counted(function):
        def call(*arguments, **options):
            left[0] -= 1
            if left[0] == 0:
                kill()
            return function(*arguments, **options)

        return call

    for module, name in (
        (os, "rename"),
        (os, "replace"),
        (os, "unlink"),
        (os, "rmdir"),
        (os, "mkdir"),
        (np, "savez"),
        (kerasseg.files, "_flush"),
    ):
        setattr(module, name, counted(getattr(module, name)))


def full(kilobytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * kilobytes, 1024 * kilobytes))


KINDS = {"step": at_step, "save": within_save, "full": full, "never": lambda: None}

if __name__ == "__main__":
    kind, *numbers = sys.argv[1].split(":")
    KINDS[kind](*map(int, numbers))
    with tiny_backbone():
        sys.exit(main(sys.argv[2:]))
