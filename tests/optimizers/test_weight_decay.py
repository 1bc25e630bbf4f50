"""Weight decay beside the step and within the gradient, as NumPy states it."""

import keras
import numpy as np
import pytest

from kerasseg.optimizers import with_multipliers
from tests.optimizers.networks import Weights, assert_close
from tests.replicas import on_each_replica, two_replicas

RATE, DECAY, MOMENTUM = 0.1, 0.3, 0.9
DECAYS = {"kernel": DECAY, "bias": 0.0, "gamma": 0.0, "beta": 0.0}
FACTORS = {"kernel": 0.5, "bias": 1.0, "gamma": 1.0, "beta": 1.0}


def exclude(optimizer, decays):
    names = [f"^{name}$" for name, decay in decays.items() if not decay]
    optimizer.exclude_from_weight_decay(var_names=names)
    return optimizer


def sgd(weights, decays, kind, nesterov, steps=5):
    """Five steps of SGD with momentum in float64."""
    values = {k: v.copy() for k, v in weights.start.items()}
    velocities = {k: np.zeros_like(v) for k, v in values.items()}
    for step in range(steps):
        for name, gradient in weights.gradients(step).items():
            w, rate = values[name], RATE * FACTORS[name]
            if kind == "l2":
                gradient = gradient + decays[name] * w
            else:
                w = w - rate * decays[name] * w
            v = velocities[name] = MOMENTUM * velocities[name] - rate * gradient
            values[name] = w + (MOMENTUM * v - rate * gradient if nesterov else v)
    return values


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("kind", ["decoupled", "l2"])
@pytest.mark.parametrize("decays", [DECAYS, dict.fromkeys(DECAYS, DECAY)], ids=["kernel", "all"])
def test_five_steps_of_sgd_with_momentum(kind, nesterov, decays):
    weights = Weights()
    optimizer = with_multipliers(keras.optimizers.SGD)(
        RATE,
        MOMENTUM,
        nesterov,
        weight_decay=DECAY,
        weight_decay_kind=kind,
        learning_rate_multipliers={"kernel": 0.5},
    )
    found = weights.after(exclude(optimizer, decays), 5)
    assert_close(found, sgd(weights, decays, kind, nesterov), rtol=1e-4, atol=1e-6)


def test_the_two_kinds_are_not_the_same():
    weights = Weights()
    l2, beside = (sgd(weights, DECAYS, kind, False)["kernel"] for kind in ("l2", "decoupled"))
    assert np.abs(l2 - beside).max() > 0.01


@pytest.mark.parametrize("kind", ["decoupled", "l2"])
def test_three_steps_of_adam(kind):
    weights, one, two = Weights(), 0.9, 0.999
    optimizer = with_multipliers(keras.optimizers.AdamW)(
        RATE, weight_decay=DECAY, weight_decay_kind=kind
    )
    found = weights.after(exclude(optimizer, DECAYS), 3)
    values = {k: v.copy() for k, v in weights.start.items()}
    m, v = ({k: np.zeros_like(x) for k, x in values.items()} for _ in range(2))
    for step in range(3):
        for name, gradient in weights.gradients(step).items():
            w = values[name]
            if kind == "l2":
                gradient = gradient + DECAYS[name] * w
            else:
                w = w - RATE * DECAYS[name] * w
            m[name] = one * m[name] + (1 - one) * gradient
            v[name] = two * v[name] + (1 - two) * gradient**2
            size = RATE * np.sqrt(1 - two ** (step + 1)) / (1 - one ** (step + 1))
            values[name] = w - size * m[name] / (np.sqrt(v[name]) + 1e-7)
    assert_close(found, values, rtol=1e-4, atol=1e-5)


def test_the_l2_term_is_clipped_with_the_gradient():
    weights, norm = Weights(), 0.5
    optimizer = with_multipliers(keras.optimizers.SGD)(
        RATE, weight_decay=DECAY, weight_decay_kind="l2", global_clipnorm=norm
    )
    found = weights.after(exclude(optimizer, DECAYS), 1)
    whole = {k: g + DECAYS[k] * weights.start[k] for k, g in weights.gradients(0).items()}
    length = np.sqrt(sum((g**2).sum() for g in whole.values()))
    assert length > norm
    expected = {k: weights.start[k] - RATE * norm / length * g for k, g in whole.items()}
    assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_two_replicas_add_the_l2_term_once():
    strategy = two_replicas()
    with strategy.scope():
        weight = keras.Variable(2.0, name="kernel")
        optimizer = with_multipliers(keras.optimizers.SGD)(
            RATE, weight_decay=DECAY, weight_decay_kind="l2"
        )
        optimizer.build([weight])
    on_each_replica(strategy, lambda gradient: optimizer.apply([gradient], [weight]), [1.5, 1.5])
    assert weight.numpy() == pytest.approx(2 - RATE * (2 * 1.5 + DECAY * 2), rel=1e-6)
