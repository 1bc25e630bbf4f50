"""The norm that is limited is that of the whole gradient: every variable, every replica."""

import keras
import numpy as np
import pytest

from kerasseg.optimizers import LossScaling, with_multipliers
from tests.optimizers.networks import Weights, assert_close, changes, network
from tests.replicas import on_each_replica, two_replicas

SGD = with_multipliers(keras.optimizers.SGD)


@pytest.mark.parametrize("limit", [0.5, 1e3])
def test_a_long_gradient_is_scaled_down_and_a_short_one_is_not(limit):
    weights = Weights()
    gradients = weights.gradients(0)
    length = np.sqrt(sum((gradient**2).sum() for gradient in gradients.values()))
    scale = min(limit / length, 1)
    expected = {k: weights.start[k] - 0.1 * scale * g for k, g in gradients.items()}
    assert_close(weights.after(SGD(0.1, global_clipnorm=limit), 1), expected, rtol=1e-4, atol=1e-6)


def test_two_replicas_clip_the_sum_of_their_gradients():
    """Each of them would clip 3 and -1 to 0.5 and -0.5, whose sum is no step at all."""
    strategy = two_replicas()
    with strategy.scope():
        weight, optimizer = keras.Variable(0.0, name="kernel"), SGD(1.0, global_clipnorm=0.5)
        optimizer.build([weight])
    on_each_replica(strategy, lambda gradient: optimizer.apply([gradient], [weight]), [3, -1])
    assert weight.numpy() == pytest.approx(-0.5)


@pytest.mark.slow
def test_two_replicas_clip_as_one():
    def three_steps():
        return changes(SGD(0.5, 0.9, global_clipnorm=0.2), network(batch_norm=False), steps=3)

    one = three_steps()
    with two_replicas().scope():
        assert_close(three_steps(), one, rtol=1e-4, atol=1e-7)


def test_a_scaled_loss_is_clipped_by_its_true_gradient():
    plain = changes(SGD(0.5, global_clipnorm=0.2))
    scaled = changes(LossScaling(SGD(0.5, global_clipnorm=0.2), initial_scale=1024.0))
    assert_close(scaled, plain, rtol=1e-4, atol=1e-6)
