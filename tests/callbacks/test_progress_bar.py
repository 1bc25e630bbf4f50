import re

import keras
import numpy as np
import pytest

from kerasseg.callbacks import LearningRateLog, Progress, ProgressBar


@pytest.fixture
def epochs(capsys):
    """What is shown of each of two epochs of two steps, as it stands in the end."""
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    model.compile(keras.optimizers.SGD(0.0), "mse", run_eagerly=True)
    x, y = np.ones((4, 3)), np.zeros((4, 1))
    progress = Progress(batch_size=2, steps_per_epoch=2, epochs=2)
    model.fit(
        x,
        y,
        batch_size=2,
        epochs=2,
        validation_data=(x, y),
        callbacks=[progress, LearningRateLog(), ProgressBar(progress)],
    )
    return capsys.readouterr().out.split("Epoch ")[1:]


def names(shown):
    """Returns what the last state of a bar tells."""
    return re.findall(r" - (\w+): ", shown[shown.rindex("2/2") :])


def test_there_is_one_bar_and_it_says_what_is_asked_for(epochs):
    assert [each.splitlines()[0] for each in epochs] == ["1/2", "2/2"]
    assert names(epochs[0]) == ["loss", "images_per_second", "minutes_left_of_run", "val_loss"]


def test_in_the_last_epoch_the_bar_itself_says_the_time_left(epochs):
    assert names(epochs[1]) == ["loss", "images_per_second", "val_loss"]


def test_a_learning_rate_is_not_shown(epochs):
    assert not any("learning_rate" in each for each in epochs)
    assert not any("0.0000e+00" in each for each in epochs)
