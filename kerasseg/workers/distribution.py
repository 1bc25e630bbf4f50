"""The devices that a model is trained on."""

from collections.abc import Iterable, Sequence

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
    _check_present(devices, known)
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


def choose_gpus(devices: Sequence[str] = ()) -> int:
    """Hides all GPUs but some from TensorFlow, which otherwise takes all of a machine.

    It does not make TensorFlow set up its devices, which has to wait for the other machines.

    Args:
        devices: As for `strategy`; of several CPU devices one alone can be used.

    Returns:
        How many GPUs are left; 0 where the CPU is to be used.

    Raises:
        KerassegError: As `strategy` does, or if CPU and GPU are mixed.

    Example:
        >>> choose_gpus(["CPU:0"])
        0
    """
    found = tf.config.list_physical_devices("GPU")
    gpus = {f"GPU:{number}": device for number, device in enumerate(found)}
    _check_present(devices, ["CPU:0", *gpus])
    if "CPU:0" in devices and len(devices) > 1:
        raise KerassegError(
            "on several machines training.devices names either GPUs or CPU:0; received "
            f"{', '.join(devices)}."
        )
    if devices:
        chosen = [gpus[device] for device in devices if device in gpus]
        tf.config.set_visible_devices(chosen, "GPU")
        return len(chosen)
    return len(gpus)


def _check_present(devices: Sequence[str], present: Iterable[str]) -> None:
    missing = [device for device in devices if device not in present]
    if missing or len(set(devices)) < len(devices):
        problem = f"no such device: {missing[0]}" if missing else "a device comes twice"
        raise KerassegError(f"{problem}. This machine has {', '.join(present)}.")
