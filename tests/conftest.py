"""What every test finds set up."""

import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import pytest
import tensorflow as tf

# Once TensorFlow has run an operation its devices are fixed, so the tests of several replicas
# need theirs from here.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """A test draws the same whichever tests ran before it, and in whichever process."""
    keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def _dtype_policy_as_before() -> Iterator[None]:
    policy = keras.config.dtype_policy()
    yield
    if keras.config.dtype_policy() != policy:
        keras.config.set_dtype_policy(policy)


@pytest.fixture(scope="session")
def camvid() -> Path:
    """The CamVid data set: `{train,val}/{images/*.jpg,labels/*.png}`."""
    directory = os.environ.get("KERASSEG_CAMVID")
    if not directory:
        pytest.skip("KERASSEG_CAMVID is not set to the directory of the CamVid data set")
    if not Path(directory).is_dir():
        pytest.fail(f"KERASSEG_CAMVID is {directory}, which is no directory")
    return Path(directory)
