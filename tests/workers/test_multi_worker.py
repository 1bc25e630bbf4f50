"""What `fit` needs on several machines, here on two replicas of one."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.workers.cluster import Cluster
from kerasseg.workers.multi_worker import check_keras, dealt_out, ready_to_fit
from kerasseg.workers.workers import Workers
from tests.replicas import two_replicas

HERE, THERE = "10.0.0.1:2222", "10.0.0.2:2222"


def model():
    images = keras.Input((4,), name="images")
    x = keras.layers.Dense(3, activation="relu", name="hidden", bias_initializer="ones")(images)
    heads = keras.layers.Dense(2, name="one")(x), keras.layers.Dense(1, name="two")(x)
    return keras.Model(images, {"one": heads[0], "two": heads[1]})


def test_this_keras_has_what_it_takes():
    check_keras()


def without_hook(patch):
    patch.delattr("keras.src.backend.tensorflow.trainer.TensorFlowTrainer._maybe_symbolic_build")
    patch.delattr("keras.src.trainers.trainer.Trainer._maybe_symbolic_build", raising=False)


def with_other_arguments(patch):
    patch.setattr(keras.Model, "_symbolic_build", lambda self, batch: None)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (without_hook, "keras.Model has no _maybe_symbolic_build any more"),
        (with_other_arguments, "keras.Model._symbolic_build takes no 'data_batch' any more"),
    ],
)
def test_a_keras_without_it_is_named(monkeypatch, change, problem):
    change(monkeypatch)
    monkeypatch.setattr(keras, "__version__", "9.1")
    with pytest.raises(KerassegError) as raised:
        check_keras()
    assert f"Keras 9.1 cannot train on several machines: {problem}" in str(raised.value)


def test_a_fit_that_does_not_use_the_hook_is_noticed(monkeypatch):
    ready = ready_to_fit(model())
    ready.compile("sgd", {"one": "mse", "two": "mse"})
    monkeypatch.setattr(type(ready), "_maybe_symbolic_build", lambda *_, **__: None)
    with pytest.raises(KerassegError, match="fit does not call keras"):
        ready.fit(np.ones((2, 4)), {"one": np.ones((2, 2)), "two": np.ones((2, 1))}, verbose=0)


def test_several_steps_in_one_call_are_refused():
    ready = ready_to_fit(model())
    ready.compile("sgd", {"one": "mse", "two": "mse"}, steps_per_execution=2)
    with pytest.raises(KerassegError, match=r"2 steps in one call .*: leave steps_per_execution"):
        ready._maybe_symbolic_build(data_batch=(np.ones((2, 4)),))


def test_it_shares_every_variable_and_output():
    plain = model()
    ready = ready_to_fit(plain)
    assert [id(v) for v in ready.variables] == [id(v) for v in plain.variables]
    assert ready.output_names == plain.output_names
    found = ready(np.ones((2, 4), np.float32))
    assert {name: value.shape for name, value in found.items()} == {"one": (2, 2), "two": (2, 1)}


def data(batch_size):
    generator = np.random.default_rng(3)
    x = generator.normal(size=(8, 4)).astype(np.float32)
    return tf.data.Dataset.from_tensor_slices((x, x[:, :2] * 2)).batch(batch_size)


def fitted(strategy, batches, ready=lambda model: model, **steps):
    with strategy.scope():
        keras.utils.set_random_seed(1)
        inputs = keras.Input((4,))
        x = keras.layers.Dense(3, activation="tanh")(inputs)
        network = ready(keras.Model(inputs, keras.layers.Dense(2)(x)))
        network.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae"])
    history = network.fit(
        batches, validation_data=batches, epochs=2, shuffle=False, verbose=0, **steps
    )
    return history.history, network.get_weights()


def test_two_replicas_that_are_dealt_their_batches_learn_what_one_does():
    expected, weights = fitted(tf.distribute.get_strategy(), data(4))
    strategy = two_replicas()
    batches = dealt_out(data(4), strategy, num_workers=1)
    found, weights_of_two = fitted(
        strategy, batches, ready_to_fit, steps_per_epoch=2, validation_steps=2
    )
    assert expected.keys() == found.keys() == {"loss", "mae", "val_loss", "val_mae"}
    for name, values in expected.items():
        assert found[name] == pytest.approx(values, rel=1e-5), name
    for one, two in zip(weights, weights_of_two, strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-7)


def test_batches_are_dealt_out_in_order_and_without_an_end():
    strategy = two_replicas()
    iterator = iter(dealt_out(data(4), strategy, num_workers=1))
    for whole in [*data(4), *data(4)]:
        for part, values in zip(next(iterator), whole, strict=True):
            results = strategy.experimental_local_results(part)
            assert [len(result) for result in results] == [2, 2]
            np.testing.assert_array_equal(np.concatenate(results), values)


ALONE = Workers(tf.distribute.get_strategy())
OF_TWO = Workers(tf.distribute.get_strategy(), Cluster((HERE, THERE, "10.0.0.3:2222"), 0))


def noticed(workers, error):
    with pytest.raises((KerassegError, tf.errors.OpError)) as raised, workers.noticing_losses():
        raise error
    return raised.value


def lost(message):
    return tf.errors.UnavailableError(None, None, message)


def test_a_worker_that_is_gone_is_named():
    error = lost("The following tasks are unhealthy:\n/job:worker/replica:0/task:1\n")
    said = str(noticed(OF_TWO, error))
    assert f"another worker is gone: {THERE} does not answer any more" in said
    assert "Start the same command again on every machine" in said


def test_where_none_is_named_it_may_be_any_of_the_others():
    assert f"gone: {THERE} or 10.0.0.3:2222 does" in str(noticed(OF_TWO, lost("Socket closed")))


def test_other_errors_are_what_they_are():
    bad_file = tf.errors.InvalidArgumentError(None, None, "Invalid PNG data")
    assert noticed(OF_TWO, bad_file) is bad_file
    error = lost("Socket closed")
    assert noticed(ALONE, error) is error
