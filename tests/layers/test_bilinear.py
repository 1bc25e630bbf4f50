"""The resizes that XLA compiles give what they give elsewhere.

TensorFlow 2.21's own resize at pixel centres does not, on a CPU, at these sizes.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg.layers import ResizeBy, ResizeTo
from kerasseg.layers.bilinear import INTERPOLATION_SCOPE, resize_bilinear
from kerasseg.macs import count_macs
from tests.layers.numpy_statements import normal, resize

SIZES = [
    ((5, 6), (9, 12)),
    ((9, 12), (33, 47)),
    ((33, 47), (9, 12)),
    ((2, 3), (65, 113)),
    ((1, 1), (7, 1)),
]
sizes = pytest.mark.parametrize(("size", "wanted"), SIZES)
layers = pytest.mark.parametrize("align_corners", [False, True])


def values_and_gradient(layer, x, reference):
    with tf.GradientTape() as tape:
        tape.watch(x)
        resized = layer(x, reference)
        projection = tf.reduce_sum(resized * normal(1, *reference.shape[:3], x.shape[3]))
    return resized, tape.gradient(projection, x)


@sizes
@layers
def test_resize_to_compiled_by_xla(size, wanted, align_corners):
    layer = ResizeTo(align_corners)
    x, reference = tf.constant(normal(0, 2, *size, 3)), tf.zeros((2, *wanted, 1))
    step = tf.function(lambda *maps: values_and_gradient(layer, *maps), jit_compile=True)
    found, expected = step(x, reference), values_and_gradient(layer, x, reference)
    for one, other in zip(found, expected, strict=True):
        assert np.any(other)
        np.testing.assert_allclose(one, other, atol=5e-5 * max(1, np.abs(other).max()))
    np.testing.assert_allclose(found[0], resize(x.numpy(), wanted, align_corners), atol=5e-5)


@layers
def test_resize_to_of_unknown_sizes_compiled_by_xla(align_corners):
    layer = ResizeTo(align_corners)
    compiled = tf.function(
        layer.__call__,
        input_signature=[tf.TensorSpec([None, None, None, 2])] * 2,
        jit_compile=True,
    )
    for size, wanted in SIZES:
        x = normal(0, 1, *size, 2)
        found = compiled(x, np.zeros((1, *wanted, 2)))
        np.testing.assert_allclose(found, resize(x, wanted, align_corners), atol=5e-5)


@pytest.mark.parametrize("scale", [0.6, 1.0, 1.2, 1.73])
@pytest.mark.parametrize("size", [(33, 47), (65, 113), (153, 243), (16, 16)])
def test_resize_by_compiled_by_xla(scale, size):
    layer, images = ResizeBy(scale), tf.constant(100 * normal(0, 1, *size, 3))
    compiled = tf.function(layer, jit_compile=True)
    np.testing.assert_allclose(compiled(images), layer(images), atol=1e-2)


def operations(function, *maps, **options):
    graph = tf.function(function, **options).get_concrete_function(*maps).graph
    return {operation.type for operation in graph.get_operations()}


def test_only_what_xla_compiles_is_interpolated_by_products():
    x, reference = tf.zeros((1, 5, 6, 3)), tf.zeros((1, 9, 12, 1))
    plain = operations(ResizeTo(), x, reference)
    assert "ResizeBilinear" in plain
    assert "BatchMatMulV2" not in plain
    compiled = operations(ResizeTo(), x, reference, jit_compile=True)
    assert "ResizeBilinear" not in compiled
    assert "BatchMatMulV2" in compiled


@pytest.mark.parametrize("inside", [tf.function, tf.recompute_grad], ids=["function", "recompute"])
def test_what_is_called_by_a_compiled_function_is_compiled_too(inside):
    x = tf.constant(normal(0, 1, 9, 12, 3))
    inner = inside(lambda maps: resize_bilinear(maps, (33, 47)))
    compiled = tf.function(lambda maps: inner(maps), jit_compile=True)
    np.testing.assert_allclose(compiled(x), resize(x.numpy(), (33, 47)), atol=1e-5)


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_compiled_model_fits_and_predicts_as_in_eager_mode(jit_compile, nested):
    maps, labels = normal(0, 2, 9, 12, 3), normal(1, 2, 33, 47, 3)
    model = scaling_model()
    if nested:
        pixels = keras.Input((9, 12, 3))
        model = keras.Model(pixels, keras.layers.Identity()(model(pixels)))
    expected = resize(2 * maps, (33, 47))
    # d/dw mean((w r - y)^2) for the one weight w = 2 that scales the resized maps r.
    gradient = np.mean(2 * (expected - labels) * expected / 2)
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=jit_compile)
    assert model.jit_compile == jit_compile
    np.testing.assert_allclose(model.predict(maps, verbose=0), expected, atol=1e-4)
    history = model.fit(maps, labels, verbose=0)
    np.testing.assert_allclose(history.history["loss"], np.mean((expected - labels) ** 2), 1e-4)
    np.testing.assert_allclose(model.get_weights()[0], 2 - 0.1 * gradient, rtol=1e-5)


class Scale(keras.layers.Layer):
    def build(self, shape):
        self.factor = self.add_weight(shape=(), initializer=keras.initializers.Constant(2.0))

    def call(self, x):
        return x * self.factor


def scaling_model():
    maps = keras.Input((9, 12, 3))
    reference = keras.layers.ZeroPadding2D(((0, 24), (0, 35)))(maps)
    return keras.Model(maps, ResizeTo()(Scale()(maps), reference))


@layers
def test_resizes_count_no_multiply_adds(align_corners):
    maps = keras.Input((None, None, 3))
    reference = keras.layers.AveragePooling2D(2)(maps)
    assert count_macs(keras.Model(maps, ResizeTo(align_corners)(maps, reference)), (9, 12)) == 0


def test_products_lie_in_their_scope_where_xla_compiles_them():
    function = tf.function(lambda x: resize_bilinear(x, (33, 47)), jit_compile=True)
    graph = function.get_concrete_function(tf.zeros((1, 9, 12, 3))).graph
    products = [one.name for one in graph.get_operations() if one.type == "BatchMatMulV2"]
    assert len(products) == 2
    assert all(name.startswith(INTERPOLATION_SCOPE) for name in products)
