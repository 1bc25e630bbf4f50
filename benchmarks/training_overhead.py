"""Measures what logs, metrics and pictures cost beside the steps of a training.

    python -m benchmarks.training_overhead --data-dir DIR [--recipe RECIPE] [--rounds 5]

An epoch of the recipe's steps on one batch that is held in memory, once by `fit` alone and once
with the metric, the callbacks that look and tell, and the pictures of the validation images; what
saves is left out. The two take turns in one process. Printed are the medians of the seconds of an
epoch, and what the second takes more.
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

from kerasseg.callbacks import BestModel, EpochCheckpoint
from kerasseg.experiment import build_model
from kerasseg.recipe import read_recipe
from kerasseg.run import Run
from kerasseg.splits import find_splits
from kerasseg.training_loop import Training
from kerasseg.workers import take_part

_SAVING = (BestModel, EpochCheckpoint)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the two times and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--recipe", type=Path, default=Path("training/recipes/camvid.toml"))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        epochs = _epochs(options.recipe, options.data_dir, Run(folder))
        seconds: dict[str, list[float]] = {name: [] for name in epochs}
        for turn in range(options.rounds + 1):
            for name, epoch in epochs.items():
                begin = time.perf_counter()
                epoch(turn)
                # The first round traces the graphs.
                if turn:
                    seconds[name].append(time.perf_counter() - begin)
    alone, watched = (statistics.median(values) for values in seconds.values())
    print(f"alone {alone:.2f} s, watched {watched:.2f} s: {watched / alone - 1:+.1%}")


def _epochs(path: Path, data_dir: str, run: Run) -> dict[str, Callable[[int], None]]:
    """Returns what trains an epoch of a number alone, and what does so under watch."""
    recipe = read_recipe(path)
    keras.config.set_dtype_policy(recipe.training.precision)
    splits = find_splits(recipe, data_dir)
    model = build_model(recipe, splits.labels.num_classes)
    parts = splits.train, splits.validation, splits.labels
    training = Training(model, recipe, *parts, run, take_part(recipe))
    watched, alone = training.twin(), training.twin()
    alone.compile(optimizer=alone.optimizer, loss=alone.loss)
    batch = tf.data.Dataset.from_tensors(next(iter(training.batches(0))))
    steps = len(splits.train) // recipe.training.batch_size
    looking = [one for one in training.callbacks() if not isinstance(one, _SAVING)]

    def epoch_of(
        twin: keras.Model, callbacks: Sequence[keras.callbacks.Callback]
    ) -> Callable[[int], None]:
        return lambda number: twin.fit(
            batch.repeat(),
            initial_epoch=number,
            epochs=number + 1,
            steps_per_epoch=steps,
            callbacks=list(callbacks),
            shuffle=False,
            # On a terminal the bar is one of the callbacks, and shows itself only so.
            verbose=1 if callbacks and sys.stdout.isatty() else 0,
        )

    return {"alone": epoch_of(alone, ()), "watched": epoch_of(watched, looking)}


if __name__ == "__main__":
    main()
