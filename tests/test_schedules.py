import keras
import numpy as np
import pytest

from kerasseg.schedules import PolySchedule


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


def test_its_config_makes_it_again():
    schedule = PolySchedule(0.02, 40, warmup_steps=3, power=0.8)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert isinstance(again, PolySchedule)
    assert again.get_config() == schedule.get_config()
    assert float(again(7)) == float(schedule(7))
