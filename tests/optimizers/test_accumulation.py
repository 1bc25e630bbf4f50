"""One step for several gradients: what counts steps, and what counts gradients."""

import keras
import numpy as np
import pytest

from kerasseg.optimizers import LossScaling, with_multipliers
from kerasseg.schedules import PolySchedule
from tests.optimizers.networks import (
    OPTIMIZERS,
    Weights,
    assert_close,
    changes,
    examples,
    network,
)
from tests.replicas import two_replicas

SGD = with_multipliers(keras.optimizers.SGD)


def means(weights, step, count):
    """Returns the mean gradient of a step of `count` gradients."""
    each = [weights.gradients(count * step + i) for i in range(count)]
    return {name: np.mean([gradients[name] for gradients in each], axis=0) for name in each[0]}


def test_the_step_is_that_of_the_mean_gradient_and_the_schedule_counts_steps():
    """With momentum, an L2 term, a limit of the norm and a moving average."""
    weights, count, limit, decay = Weights(), 3, 1.0, 0.2
    optimizer = SGD(
        PolySchedule(0.5, total_steps=4, power=1.0),
        0.9,
        weight_decay=decay,
        weight_decay_kind="l2",
        global_clipnorm=limit,
        gradient_accumulation_steps=count,
        use_ema=True,
        ema_momentum=0.75,
    )
    found = weights.after(optimizer, 2 * count + 1)
    values, averages = weights.start, {}
    velocity = {k: np.zeros_like(v) for k, v in values.items()}
    for step in range(2):
        whole = {k: g + decay * values[k] for k, g in means(weights, step, count).items()}
        scale = min(limit / np.sqrt(sum((g**2).sum() for g in whole.values())), 1)
        rate = 0.5 * (1 - step / 4)
        velocity = {k: 0.9 * velocity[k] - rate * scale * g for k, g in whole.items()}
        values = {k: v + velocity[k] for k, v in values.items()}
        before = averages or values
        averages = {k: 0.75 * before[k] + 0.25 * v for k, v in values.items()}
    assert_close(found, values, rtol=1e-4, atol=1e-5)
    assert float(optimizer.learning_rate) == pytest.approx(0.5 * (1 - 2 / 4))
    assert int(optimizer.iterations) == 2
    optimizer.finalize_variable_values(weights.variables)
    found = {variable.name: variable.numpy() for variable in weights.variables}
    assert_close(found, averages, rtol=1e-4, atol=1e-5)


def test_before_the_first_step_the_weights_are_their_own_average():
    """Validation may come so early, and so may an interruption."""
    weights = Weights()
    optimizer = SGD(0.5, gradient_accumulation_steps=3, use_ema=True)
    weights.after(optimizer, 2)
    optimizer.finalize_variable_values(weights.variables)
    found = {variable.name: variable.numpy() for variable in weights.variables}
    assert_close(found, weights.start, rtol=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_two_halves_of_a_batch_take_the_step_of_the_whole(name):
    def step(count, batch_size):
        model = network(batch_norm=False)
        optimizer = OPTIMIZERS[name](0.01, weight_decay=0.1, gradient_accumulation_steps=count)
        return changes(optimizer, model, steps=2, batch_size=batch_size)

    assert_close(step(2, 3), step(None, 6), rtol=2e-3, atol=1e-6)


def test_two_replicas_accumulate_as_one():
    """Keras' own fails here: it updates variables of all replicas within a condition."""

    def steps():
        optimizer = SGD(
            0.1,
            0.9,
            weight_decay=0.1,
            global_clipnorm=0.3,
            gradient_accumulation_steps=2,
            use_ema=True,
        )
        return changes(optimizer, network(batch_norm=False), steps=2, batch_size=2), optimizer

    one, _ = steps()
    with two_replicas().scope():
        two, optimizer = steps()
    assert_close(two, one, rtol=1e-4, atol=1e-6)
    assert int(optimizer.iterations) == 3


def test_gradients_of_a_scaled_loss_are_accumulated_unscaled():
    def steps(optimizer):
        return changes(optimizer, network(batch_norm=False), steps=2, batch_size=3)

    plain = steps(SGD(0.1, 0.9, gradient_accumulation_steps=2))
    inner = SGD(0.1, 0.9, gradient_accumulation_steps=2)
    assert_close(steps(LossScaling(inner, 256.0)), plain, rtol=1e-4, atol=1e-6)
    assert int(inner.iterations) == 2


def test_xla_compiles_it():
    def step(**compiled):
        model = network(batch_norm=False)
        optimizer = SGD(
            PolySchedule(0.1, 9), 0.9, global_clipnorm=0.3, gradient_accumulation_steps=2
        )
        model.compile(optimizer, "mse", **compiled)
        model.fit(*examples(), batch_size=2, epochs=2, shuffle=False, verbose=0)
        return {variable.path: variable.numpy() for variable in model.trainable_variables}

    assert_close(step(jit_compile=True), step(run_eagerly=True), rtol=1e-4, atol=1e-6)
