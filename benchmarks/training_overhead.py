"""Measures what logs, metrics and pictures cost beside the steps of a training.

    python -m benchmarks.training_overhead --data-dir DIR [--recipe RECIPE] [--rounds 15]

A few steps of the recipe on one batch that is held in memory, once by `fit` alone and once with the
metric and the callbacks that look and tell, in turns in one process: the median of the ratios of
neighbours is what they cost. Pictures come once an epoch, and are timed for themselves. What saves
is left out.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import tensorflow as tf

from kerasseg.callbacks import BestModel, EpochCheckpoint, ValidationBoard
from kerasseg.experiment.experiment import build_model
from kerasseg.experiment.splits import find_splits
from kerasseg.experiment.training_loop import Training
from kerasseg.recipe import read_recipe
from kerasseg.run import Run
from kerasseg.workers.workers import take_part

_NOT_IN_STEPS = (BestModel, EpochCheckpoint, ValidationBoard)
_STEPS = 8  # of a turn: short, so that neighbours find the same machine


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints what the parts cost, and all together."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--recipe", type=Path, default=Path("training/recipes/camvid.toml"))
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args(arguments)
    recipe = read_recipe(options.recipe)
    keras.config.set_dtype_policy(recipe.training.precision)
    splits = find_splits(recipe, options.data_dir)
    model = build_model(recipe, splits.labels.num_classes)
    parts = splits.train, splits.validation, splits.labels
    with tempfile.TemporaryDirectory() as folder:
        training = Training(model, recipe, *parts, Run(folder), take_part(recipe))
        alone, watched = _turns(training)
        pairs = [(_seconds(alone, n), _seconds(watched, n)) for n in range(options.rounds + 1)][1:]
        pictures = _pictures(training, options.rounds)
    step = statistics.median(first for first, _ in pairs) / _STEPS
    share = statistics.median(second / first for first, second in pairs) - 1
    epoch = step * (len(splits.train) // recipe.training.batch_size)
    of_pictures = pictures / epoch
    print(f"a step alone {step:.3f} s; metric and callbacks {share:+.1%}")
    print(f"pictures {pictures:.2f} s an epoch of {epoch:.1f} s: {of_pictures:+.1%}")
    print(f"together {share + of_pictures:+.1%}")


def _turns(training: Training) -> tuple[Callable[[int], None], Callable[[int], None]]:
    """Returns what trains some steps of an epoch of a number alone, and what does so watched."""
    watched, alone = training.twin(), training.twin()
    alone.compile(optimizer=alone.optimizer, loss=alone.loss)
    batch = tf.data.Dataset.from_tensors(next(iter(training.batches(0))))
    looking = [one for one in training.callbacks() if not isinstance(one, _NOT_IN_STEPS)]

    def turn_of(
        twin: keras.Model, callbacks: Sequence[keras.callbacks.Callback]
    ) -> Callable[[int], None]:
        return lambda number: twin.fit(
            batch.repeat(),
            initial_epoch=number,
            epochs=number + 1,
            steps_per_epoch=_STEPS,
            callbacks=list(callbacks),
            shuffle=False,
            # On a terminal the bar is one of the callbacks, and shows itself only so.
            verbose=1 if callbacks and sys.stdout.isatty() else 0,
        )

    return turn_of(alone, ()), turn_of(watched, looking)


def _pictures(training: Training, rounds: int) -> float:
    """Returns the median of the seconds that an epoch's pictures take."""
    (board,) = (one for one in training.callbacks() if isinstance(one, ValidationBoard))
    return statistics.median([_seconds(board.on_epoch_end, n) for n in range(rounds + 1)][1:])


def _seconds(turn: Callable[[int], None], number: int) -> float:
    begin = time.perf_counter()
    turn(number)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
