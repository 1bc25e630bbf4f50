import keras
import numpy as np
import pytest

from kerasseg.callbacks import AverageWeights


class Witness(keras.callbacks.Callback):
    """Notes the weights at each hook that it is asked for."""

    def __init__(self, *hooks):
        super().__init__()
        self.seen = []
        for hook in hooks:
            setattr(self, hook, lambda *_, **__: self.seen.append(self.model.get_weights()))


def fit(*callbacks, wrapped=False, validate_every=1):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    optimizer = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
    if wrapped:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    model.compile(optimizer, "mse", run_eagerly=True)
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(8, 3)), generator.normal(size=(8, 2))
    model.fit(
        x,
        y,
        batch_size=2,
        epochs=3,
        shuffle=False,
        validation_data=(x, y),
        validation_freq=validate_every,
        callbacks=list(callbacks),
        verbose=0,
    )
    return model


def equal(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_average_is_there_while_the_model_is_validated(wrapped):
    averages, steps = Witness("on_test_batch_end"), Witness("on_train_batch_end")
    model = fit(steps, AverageWeights(), averages, wrapped=wrapped)
    raw = steps.seen
    expected = raw[0]
    for weights in raw[1:]:
        expected = [0.5 * old + 0.5 * new for old, new in zip(expected, weights, strict=True)]
    for found, stated in zip(averages.seen[-1], expected, strict=True):
        np.testing.assert_allclose(found, stated, rtol=1e-5)
    assert not equal(averages.seen[-1], raw[-1])
    # Keras leaves the average in the model in the end.
    assert equal(model.get_weights(), averages.seen[-1])


def test_the_raw_weights_come_back_to_the_last_bit():
    often, never = Witness("on_epoch_end"), Witness("on_epoch_end")
    fit(AverageWeights(), often)
    fit(AverageWeights(), never, validate_every=9)
    assert len(often.seen) == 3
    assert all(map(equal, often.seen, never.seen))


def test_a_callback_before_it_sees_the_average_as_the_validation_ends():
    before, after = Witness("on_test_end"), Witness("on_test_end")
    averages, raw = Witness("on_test_begin"), Witness("on_epoch_end")
    fit(before, AverageWeights(), after, averages, raw)
    assert all(map(equal, before.seen, averages.seen))
    assert all(map(equal, after.seen, raw.seen))
