"""`training.train` with the tiny backbone: python -m tests.training.train_tiny KILL_AT ARGUMENTS.

The process kills itself as nobody can catch, after KILL_AT steps; 0 for never.
"""

import os
import signal
import sys

from kerasseg.callbacks import Progress
from tests.tiny import tiny_backbone
from training.train import main


class Killed(Progress):
    """Counts the steps of this process, in a class that every run uses anyway."""

    steps_left = 0

    def on_train_batch_end(self, batch, logs=None):
        Killed.steps_left -= 1
        if Killed.steps_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        super().on_train_batch_end(batch, logs)


if __name__ == "__main__":
    import kerasseg.training_loop

    Killed.steps_left = int(sys.argv[1])
    kerasseg.training_loop.Progress = Killed
    with tiny_backbone():
        sys.exit(main(sys.argv[2:]))
