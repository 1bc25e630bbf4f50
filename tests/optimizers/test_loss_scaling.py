"""An overflow skips the step, on every replica."""

import keras
import numpy as np
import pytest

from kerasseg.optimizers import LossScaling, with_multipliers
from tests.optimizers.networks import assert_close, changes, network
from tests.replicas import on_each_replica, two_replicas


def optimizer(**arguments):
    return LossScaling(
        with_multipliers(keras.optimizers.SGD)(1.0, 0.9), initial_scale=8.0, **arguments
    )


def value(gradient):
    return keras.ops.convert_to_tensor(gradient, "float32")


@pytest.mark.parametrize("overflow", [np.inf, -np.inf, np.nan])
def test_an_overflow_skips_the_step_and_halves_the_scale(overflow):
    weight, scaled = keras.Variable(1.0, name="kernel"), optimizer()
    scaled.apply([value(8.0)], [weight])
    assert float(weight) == 0.0
    state = [variable.numpy() for variable in scaled.inner_optimizer.variables]
    scaled.apply([value(overflow)], [weight])
    assert float(weight) == 0.0
    assert float(scaled.dynamic_scale) == 4.0
    for variable, before in zip(scaled.inner_optimizer.variables, state, strict=True):
        np.testing.assert_array_equal(variable.numpy(), before)
    scaled.apply([value(4.0)], [weight])
    assert float(weight) == pytest.approx(-1.9)  # the velocity of before, and a step of 1


def test_the_scale_grows_after_steps_without_an_overflow():
    weight, scaled = keras.Variable(1.0, name="kernel"), optimizer(dynamic_growth_steps=2)
    for _ in range(2):
        scaled.apply([value(0.0)], [weight])
    assert float(scaled.dynamic_scale) == 16.0


@pytest.mark.parametrize("where", [0, 1])
def test_an_overflow_on_one_replica_skips_the_step_of_both(where):
    strategy = two_replicas()
    with strategy.scope():
        weight, scaled = keras.Variable(1.0, name="kernel"), optimizer()
        scaled.build([weight])
    gradients = [np.inf if replica == where else 8.0 for replica in (0, 1)]
    on_each_replica(strategy, lambda gradient: scaled.apply([gradient], [weight]), gradients)
    assert weight.numpy() == 1.0
    assert scaled.dynamic_scale.numpy() == 4.0
    on_each_replica(strategy, lambda gradient: scaled.apply([gradient], [weight]), [4.0, 4.0])
    assert weight.numpy() == -1.0  # both replicas' gradients of 1


def test_its_config_makes_it_again():
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer()))
    assert type(again) is LossScaling
    assert again.get_config() == optimizer().get_config() | {"name": again.name} | {
        "inner_optimizer": again.get_config()["inner_optimizer"]
    }
    assert again.inner_optimizer.momentum == 0.9


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_two_replicas_that_fit_learn_what_one_does(policy):
    keras.config.set_dtype_policy(policy)

    def two_steps():
        scaled = LossScaling(with_multipliers(keras.optimizers.SGD)(0.5, 0.9), initial_scale=1024.0)
        return changes(scaled, network(batch_norm=False), steps=2)

    one = two_steps()
    assert all(np.abs(change).max() > 1e-3 for change in one.values())
    with two_replicas().scope():
        two = two_steps()
    # A float16 has 11 bits, and each replica rounds the gradient of its own half.
    rounding = {"rtol": 1e-4, "atol": 1e-6} if policy == "float32" else {"rtol": 0, "atol": 5e-3}
    assert_close(two, one, **rounding)
