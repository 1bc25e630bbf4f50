import pytest
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.workers.distribution import strategy


@pytest.mark.parametrize("devices", [(), ("CPU:0",)])
def test_what_tensorflow_would_choose_needs_no_strategy(devices):
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("where there is a GPU the choice is another")
    assert strategy(devices) is tf.distribute.get_strategy()


def test_another_single_device_is_used():
    chosen = strategy(("CPU:1",))
    with chosen.scope():
        variable = tf.Variable(1.0)
    assert chosen.num_replicas_in_sync == 1
    assert variable.device.endswith("CPU:1")


def test_several_devices_are_mirrored():
    chosen = strategy(("CPU:0", "CPU:1"))
    assert isinstance(chosen, tf.distribute.MirroredStrategy)
    assert chosen.num_replicas_in_sync == 2


def test_a_device_that_is_not_there():
    with pytest.raises(
        KerassegError, match=r"no such device: GPU:3. This machine has CPU:0, CPU:1"
    ):
        strategy(("CPU:0", "GPU:3"))


def test_a_device_that_comes_twice():
    with pytest.raises(KerassegError, match="a device comes twice"):
        strategy(("CPU:1", "CPU:1"))
