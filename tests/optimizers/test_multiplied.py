import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.optimizers import ConvMuon, with_multipliers
from kerasseg.schedules import PolySchedule
from tests.optimizers.networks import OPTIMIZERS, changes, factors, in_backbone, network
from tests.replicas import two_replicas

DECAY = 0.3


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("decay", [None, DECAY])
def test_the_backbone_takes_the_stated_part_of_a_step(name, decay):
    decay = 0.0 if decay is None and name == "AdamW" else decay
    plain = changes(OPTIMIZERS[name](0.01, weight_decay=decay))
    model = network()
    scaled = changes(
        OPTIMIZERS[name](0.01, weight_decay=decay, learning_rate_multipliers=factors(model, 0.1)),
        model,
    )
    assert any(map(in_backbone, plain))
    for path, change in plain.items():
        assert np.abs(change).max() > 1e-6
        expected = 0.1 * change if in_backbone(path) else change
        np.testing.assert_allclose(scaled[path], expected, rtol=2e-3, atol=1e-7)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_without_multipliers_it_is_the_optimizer_of_keras(name):
    own = changes(OPTIMIZERS[name](0.01, weight_decay=DECAY), steps=3)
    of_keras = {
        "SGD": keras.optimizers.SGD(0.01, 0.9, weight_decay=DECAY),
        "AdamW": keras.optimizers.AdamW(0.01, weight_decay=DECAY),
        "Muon": ConvMuon(0.01, weight_decay=DECAY, adam_weight_decay=DECAY),
    }[name]
    for path, change in changes(of_keras, steps=3).items():
        np.testing.assert_allclose(own[path], change, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_decay_shrinks_kernels_alone_and_by_the_scaled_rate(name):
    def moved(decay):
        model = network()
        optimizer = OPTIMIZERS[name](
            0.01, weight_decay=decay, learning_rate_multipliers=factors(model, 0.1)
        )
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        return changes(optimizer, model)

    weights = {v.path: v.numpy() for v in network().trainable_variables}
    with_decay, without = moved(DECAY), moved(0.0)
    for path, weight in weights.items():
        rate = 0.01 * (0.1 if in_backbone(path) else 1.0)
        expected = -rate * DECAY * weight if path.endswith("kernel") else 0 * weight
        np.testing.assert_allclose(with_decay[path] - without[path], expected, atol=2e-6)
    assert {path.split("/")[-1] for path in weights} == {"kernel", "bias", "gamma", "beta"}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_factor_zero_freezes(name):
    model = network()
    still = OPTIMIZERS[name](
        0.01, weight_decay=DECAY, learning_rate_multipliers=factors(model, 0.0)
    )
    for path, change in changes(still, model, steps=3).items():
        assert change.any() != in_backbone(path), path


def test_a_schedule_and_multipliers_work_together():
    def first_step(model, multipliers):
        optimizer = OPTIMIZERS["AdamW"](
            PolySchedule(0.01, 3, power=1.0),
            weight_decay=0.0,
            learning_rate_multipliers=multipliers,
        )
        return changes(optimizer, model)["stem/kernel"]

    model = network()
    np.testing.assert_allclose(
        first_step(model, factors(model, 0.1)), 0.1 * first_step(network(), {}), rtol=2e-3
    )


def test_two_replicas_average_as_one():
    def average():
        model, optimizer = network(batch_norm=False), OPTIMIZERS["SGD"](0.1, use_ema=True)
        changes(optimizer, model, steps=2)
        return model.get_weights()  # `fit` ends with the average in the model

    one = average()
    with two_replicas().scope():
        two = average()
    for expected, received in zip(one, two, strict=True):
        np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-7)


def test_the_average_may_take_the_place_of_the_weights():
    """Keras' own argument, which the recipes leave alone."""
    weights = []
    for kind in (keras.optimizers.SGD, with_multipliers(keras.optimizers.SGD)):
        model = network()
        changes(kind(0.1, use_ema=True, ema_momentum=0.7, ema_overwrite_frequency=2), model, 5)
        weights.append(model.get_weights())
    for expected, received in zip(*weights, strict=True):
        np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-7)


def test_under_float16_the_scaled_loss_takes_the_same_step():
    keras.config.set_dtype_policy("mixed_float16")
    model = network()
    inner = OPTIMIZERS["SGD"](0.01, learning_rate_multipliers=factors(model, 0.1))
    scaled = changes(keras.optimizers.LossScaleOptimizer(inner), model)
    keras.config.set_dtype_policy("float32")
    plain = changes(OPTIMIZERS["SGD"](0.01))
    for path, change in plain.items():
        expected = 0.1 * change if in_backbone(path) else change
        np.testing.assert_allclose(scaled[path], expected, rtol=0.1, atol=2e-5)
    assert int(inner.iterations) == 1


def test_two_replicas_scale_as_one():
    def two_steps():
        model = network(batch_norm=False)
        multipliers = factors(model, 0.1)
        optimizer = OPTIMIZERS["SGD"](
            0.01, weight_decay=DECAY, learning_rate_multipliers=multipliers
        )
        return changes(optimizer, model, steps=2)

    one = two_steps()
    with two_replicas().scope():
        two = two_steps()
    for path, change in one.items():
        np.testing.assert_allclose(two[path], change, rtol=1e-4, atol=1e-7)


def test_a_path_that_is_no_variable_that_trains_is_an_error():
    wrong = OPTIMIZERS["SGD"](0.01, learning_rate_multipliers={"stem/kernal": 0.1})
    with pytest.raises(KerassegError, match=r"'stem/kernal'.*did you mean 'stem/kernel'.*part_mul"):
        wrong.build(network().trainable_variables)
    model = network()
    early = factors(model, 0.1)
    model.get_layer("backbone").trainable = False
    with pytest.raises(KerassegError, match=r"no variable that trains.* once all that is to be fr"):
        OPTIMIZERS["SGD"](0.01, learning_rate_multipliers=early).build(model.trainable_variables)


def test_an_unknown_kind_of_weight_decay():
    with pytest.raises(KerassegError, match=r"unknown weight_decay_kind 'L2': did you mean 'l2'"):
        OPTIMIZERS["SGD"](0.01, weight_decay_kind="L2")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_its_config_makes_it_again(name):
    optimizer = OPTIMIZERS[name](
        PolySchedule(0.01, 10),
        weight_decay=DECAY,
        weight_decay_kind="l2",
        learning_rate_multipliers={"stem/kernel": 0.1},
    )
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()
    assert again.learning_rate_multipliers == {"stem/kernel": 0.1}


def test_the_class_is_made_once():
    assert with_multipliers(keras.optimizers.SGD) is with_multipliers(keras.optimizers.SGD)
    assert with_multipliers(keras.optimizers.SGD).__name__ == "SGDWithMultipliers"


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_state_of_the_optimizer_is_read_when_its_gradient_is_there(name):
    """What is computed of it before the forward pass would lie in memory through the step."""
    model = network(batch_norm=False)
    optimizer = OPTIMIZERS[name](0.1, use_ema=True)
    optimizer.build(model.trainable_variables)
    kernels = [variable for variable in optimizer.variables if len(variable.shape) == 4]
    assert len(kernels) == {"SGD": 2 * 2, "AdamW": 3 * 2, "Muon": 2 * 2}[name]

    @tf.function
    def step(x):
        variables = [variable.value for variable in model.trainable_variables]
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(model(x) ** 2)
        optimizer.apply(tape.gradient(loss, variables), model.trainable_variables)

    graph = step.get_concrete_function(tf.ones((1, 4, 4, 3))).graph
    handles = {outer.ref(): inner for outer, inner in graph.captures}
    for kernel in kernels:
        users = handles[kernel.value.handle.ref()].consumers()
        reads = [operation for operation in users if operation.type == "ReadVariableOp"]
        assert reads
        assert all(operation.control_inputs for operation in reads)


def test_the_moving_average_is_that_of_keras():
    averages = []
    for kind in (keras.optimizers.SGD, with_multipliers(keras.optimizers.SGD)):
        model, optimizer = network(), kind(0.1, use_ema=True, ema_momentum=0.7)
        changes(optimizer, model, steps=3)
        optimizer.finalize_variable_values(model.trainable_variables)
        averages.append(model.get_weights())
    for expected, received in zip(*averages, strict=True):
        np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-7)
