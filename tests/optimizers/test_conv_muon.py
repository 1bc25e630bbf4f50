"""Muon on the kernels of convs, as NumPy states it."""

import keras
import numpy as np
import pytest

from kerasseg.optimizers import ConvMuon
from tests.optimizers.networks import Weights, assert_close

RATE = 0.1


def variable(*shape, name="kernel"):
    return keras.Variable(np.ones(shape), name=name, dtype="float32")


def orthogonalised(matrix):
    """Five iterations of Newton and Schulz with Muon's coefficients."""
    x = matrix / (np.linalg.norm(matrix) + 1e-7)
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x


def test_three_steps_with_a_kernel_as_a_matrix_of_patches_by_pixels():
    weights = Weights()
    found = weights.after(ConvMuon(RATE, weight_decay=None, adam_weight_decay=None), 3)
    kernel, momentum = weights.start["kernel"].reshape(18, 4), np.zeros((18, 4))
    for step in range(3):
        gradient = weights.gradients(step)["kernel"].reshape(18, 4)
        momentum = 0.95 * momentum + gradient
        update = orthogonalised(gradient + 0.95 * momentum)
        kernel = kernel - RATE * 0.2 * np.sqrt(18) * update
    np.testing.assert_allclose(found["kernel"], kernel.reshape(3, 3, 2, 4), rtol=1e-3, atol=1e-4)


def test_the_rest_takes_the_steps_of_adam():
    found = Weights().after(ConvMuon(RATE, weight_decay=None, adam_weight_decay=None), 3)
    of_adam = Weights().after(keras.optimizers.Adam(RATE), 3)
    assert not np.allclose(found.pop("kernel"), of_adam.pop("kernel"), rtol=0.1)
    assert_close(found, of_adam, rtol=1e-6)


def test_a_matrix_takes_the_step_of_keras_own():
    matrices = [variable(3, 5), variable(3, 5)]
    gradient = np.random.default_rng(1).normal(size=(3, 5)).astype("float32")
    for kind, matrix in zip((keras.optimizers.Muon, ConvMuon), matrices, strict=True):
        kind(RATE).apply([gradient], [matrix])
    np.testing.assert_allclose(matrices[1], matrices[0], rtol=1e-6)


ADAM = {
    "bias": variable(4, name="bias"),
    "depthwise kernel": variable(3, 3, 4, 1),
    "matrix of an embedding": variable(3, 5, name="embeddings"),
    "excluded layer": variable(3, 3, 2, 4, name="classifier"),
}
MUON = {"kernel": variable(3, 3, 2, 4), "pointwise kernel": variable(1, 1, 2, 4)}


@pytest.mark.parametrize("which", [*ADAM, *MUON])
def test_which_step_a_variable_takes(which):
    optimizer = ConvMuon(RATE, exclude_layers=["^classifier"])
    optimizer.build([(ADAM | MUON)[which]])
    assert (optimizer.adam_velocities[0] is not None) == (which in ADAM)


def test_its_config_makes_it_again():
    optimizer = ConvMuon(RATE, exclude_layers=["^a/"], rms_rate=0.3, momentum=0.9)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(again) is ConvMuon
    assert again.get_config() == optimizer.get_config()
    assert (again.rms_rate, again.exclude_layers, again.momentum) == (0.3, ["^a/"], 0.9)
