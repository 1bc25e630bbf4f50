import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg.schedules import PlateauSchedule, PolySchedule, WarmUp
from tests.replicas import two_replicas


@pytest.mark.parametrize("power", [0.9, 1.0, 2.0])
@pytest.mark.parametrize("warmup", [0, 5])
def test_equals_its_formula(power, warmup):
    schedule = PolySchedule(0.02, total_steps=40, warmup_steps=warmup, power=power)
    for step in range(40):
        rate = 0.02 * (1 - step / 40) ** power * min((step + 1) / (warmup + 1), 1)
        assert float(schedule(step)) == pytest.approx(rate, rel=1e-5)


def test_without_a_warm_up_it_is_that_of_keras():
    schedule = PolySchedule(0.02, total_steps=40)
    polynomial = keras.optimizers.schedules.PolynomialDecay(0.02, 40, 0.0, power=0.9)
    for step in (0, 1, 17, 39):
        assert float(schedule(step)) == pytest.approx(float(polynomial(step)), rel=1e-5)


def test_ends_at_zero_and_stays_there():
    schedule = PolySchedule(0.02, total_steps=40)
    assert [float(schedule(step)) for step in (40, 41, 1000)] == [0, 0, 0]


def test_the_first_step_of_a_warm_up_is_small_but_not_zero():
    rates = [float(PolySchedule(1.0, 1000, warmup_steps=9)(step)) for step in range(11)]
    assert rates[0] == pytest.approx(0.1)
    assert np.all(np.diff(rates[:10]) > 0)
    assert rates[10] < rates[9]


@pytest.mark.parametrize("warmup", [0, 5])
def test_a_warm_up_scales_the_schedule_and_does_not_delay_it(warmup):
    schedule = WarmUp(keras.optimizers.schedules.CosineDecay(0.02, 40), warmup)
    for step in range(45):
        cosine = 0.5 * (1 + np.cos(np.pi * min(step / 40, 1)))
        rate = 0.02 * cosine * min((step + 1) / (warmup + 1), 1)
        assert float(schedule(step)) == pytest.approx(rate, rel=1e-5, abs=1e-9)


def test_a_constant_rate_may_be_warmed_up():
    rates = [float(WarmUp(0.5, 3)(step)) for step in (0, 1, 2, 3, 1000)]
    assert rates == pytest.approx([0.125, 0.25, 0.375, 0.5, 0.5])


def test_steps_may_be_those_of_an_optimizer():
    """Which counts in int64, where Keras' own schedules differ in what they take."""
    drops = keras.optimizers.schedules.PiecewiseConstantDecay([9, 19], [1.0, 0.1, 0.01])
    schedule, step = WarmUp(drops), tf.Variable(0, dtype=tf.int64)
    compiled = tf.function(lambda: schedule(step))
    rates = {}
    for number in (0, 9, 10, 19, 20):
        step.assign(number)
        rates[number] = float(compiled())
    assert rates == pytest.approx({0: 1.0, 9: 1.0, 10: 0.1, 19: 0.1, 20: 0.01})


def test_a_compiled_step_reads_the_factor_of_a_plateau():
    schedule, traces = PlateauSchedule(0.5, warmup_steps=1), []

    @tf.function
    def rate(step):
        traces.append(step)
        return schedule(step)

    assert float(rate(tf.constant(0))) == pytest.approx(0.25)
    schedule.factor.assign(0.1)
    assert float(rate(tf.constant(7))) == pytest.approx(0.05)
    assert len(traces) == 1


def test_every_replica_reads_the_factor_of_a_plateau():
    strategy = two_replicas()
    with strategy.scope():
        schedule = PlateauSchedule(0.5)
    schedule.factor.assign(0.5)
    rates = tf.function(lambda: strategy.run(lambda: schedule(tf.constant(3))))()
    assert [float(rate) for rate in strategy.experimental_local_results(rates)] == [0.25, 0.25]


@pytest.mark.parametrize(
    "schedule",
    [
        PolySchedule(0.02, 40, warmup_steps=3, power=0.8),
        WarmUp(keras.optimizers.schedules.CosineDecay(0.02, 40), 3),
        WarmUp(0.02, 9),
        PlateauSchedule(0.02, 9),
    ],
    ids=["poly", "cosine", "constant", "plateau"],
)
def test_its_config_makes_it_again(schedule):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert type(again) is type(schedule)
    assert again.get_config() == schedule.get_config()
    assert float(again(7)) == float(schedule(7))
