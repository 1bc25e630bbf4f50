"""The devices that a model is trained on."""

from collections.abc import Sequence

import tensorflow as tf

from kerasseg.errors import KerassegError


def strategy(devices: Sequence[str] = ()) -> tf.distribute.Strategy:
    """Returns the strategy for some devices: the default one for TensorFlow's own choice.

    Args:
        devices: Names such as `"GPU:0"`. Empty: every GPU, or the CPU where there is none.

    Raises:
        KerassegError: If a device is not there or comes twice; the message names those that
            are there.

    Example:
        >>> strategy().num_replicas_in_sync
        1
    """
    present = [device.name for device in tf.config.list_logical_devices()]
    known = {name.removeprefix("/device:"): name for name in present}
    missing = [device for device in devices if device not in known]
    if missing or len(set(devices)) < len(devices):
        problem = f"no such device: {missing[0]}" if missing else "a device comes twice"
        raise KerassegError(f"{problem}. This machine has {', '.join(known)}.")
    usual = [name for name in known if name.startswith("GPU")] or ["CPU:0"]
    chosen = list(devices) or usual
    if chosen == usual[:1]:
        return tf.distribute.get_strategy()
    if len(chosen) == 1:
        return tf.distribute.OneDeviceStrategy(chosen[0])
    # The default for CPUs cannot run several steps in one call, nor twice in one process.
    on_cpu = any(device.startswith("CPU") for device in chosen)
    reduction = tf.distribute.HierarchicalCopyAllReduce() if on_cpu else None
    return tf.distribute.MirroredStrategy(chosen, cross_device_ops=reduction)
