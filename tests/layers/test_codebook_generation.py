"""The properties of `C = softmax(A)ᵀ B`, the softmax over positions."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasseg.layers import CodebookGeneration
from tests.layers.numpy_statements import normal

generate = CodebookGeneration()


@st.composite
def base_and_weighting(draw) -> tuple[np.ndarray, np.ndarray]:
    """B `(2, h, w, c)` and A `(2, h, w, n)`, of moderate values."""
    h, w, c, n, seed = (draw(st.integers(1, high)) for high in (6, 6, 5, 7, 10_000))
    return 3 * normal(seed, 2, h, w, c), 3 * normal(seed + 1, 2, h, w, n)


maps = base_and_weighting()
quick = settings(max_examples=25, deadline=None)
HALVES = ("float16", "bfloat16")


def formula(base: np.ndarray, weighting: np.ndarray) -> np.ndarray:
    base, weighting = base.astype(np.float64), weighting.astype(np.float64)
    exponentials = np.exp(weighting - weighting.max((1, 2), keepdims=True))
    weights = exponentials / exponentials.sum((1, 2), keepdims=True)
    return np.einsum("nhwk,nhwc->nkc", weights, base)


@quick
@given(maps)
def test_equals_the_papers_formula(maps):
    np.testing.assert_allclose(generate(*maps), formula(*maps), atol=1e-4)


@quick
@given(maps, st.sampled_from(HALVES))
def test_equals_it_as_exactly_for_maps_of_half_precision(maps, half):
    rounded = [tf.cast(x, half) for x in maps]
    codebook = CodebookGeneration()(*rounded)
    assert codebook.dtype == tf.float32
    expected = formula(*(tf.cast(x, tf.float32).numpy() for x in rounded))
    np.testing.assert_allclose(codebook, expected, atol=1e-4)


@quick
@given(maps, st.floats(-20, 20, width=32))
def test_constant_weighting_gives_the_mean_of_the_base(maps, constant):
    base, weighting = maps
    codebook = generate(base, np.full_like(weighting, constant))
    mean = np.broadcast_to(base.mean((1, 2))[:, None], codebook.shape)
    np.testing.assert_allclose(codebook, mean, atol=1e-4)


@quick
@given(maps, st.data())
def test_one_hot_weighting_picks_a_position(maps, data):
    base, weighting = maps
    one_hot, expected = np.zeros_like(weighting), []
    for codeword in range(weighting.shape[3]):
        y, x = (data.draw(st.integers(0, side - 1)) for side in base.shape[1:3])
        one_hot[:, y, x, codeword] = 200.0
        expected.append(base[:, y, x])
    np.testing.assert_allclose(generate(base, one_hot), np.stack(expected, 1), atol=1e-6)


@quick
@given(maps, st.integers(0, 1000))
def test_a_constant_added_per_codeword_changes_nothing(maps, seed):
    base, weighting = maps
    shift = 5 * normal(seed, 2, 1, 1, weighting.shape[3])
    np.testing.assert_allclose(
        generate(base, weighting + shift), generate(base, weighting), atol=3e-4
    )


@quick
@given(maps)
def test_codewords_lie_between_the_least_and_the_greatest_of_the_base(maps):
    base, weighting = maps
    codebook = generate(base, weighting).numpy()
    assert (codebook >= base.min((1, 2))[:, None] - 1e-4).all()
    assert (codebook <= base.max((1, 2))[:, None] + 1e-4).all()


@quick
@given(maps, st.integers(0, 1000))
def test_moving_both_maps_alike_changes_nothing(maps, seed):
    flat = [x.reshape(2, -1, x.shape[3]) for x in maps]
    order = np.random.default_rng(seed).permutation(flat[0].shape[1])
    moved = [x[:, order].reshape(original.shape) for x, original in zip(flat, maps, strict=True)]
    np.testing.assert_allclose(generate(*moved), generate(*maps), atol=1e-4)


@pytest.mark.parametrize("half", HALVES)
def test_stays_float32_under_every_policy(half):
    keras.config.set_dtype_policy(f"mixed_{half}")
    layer = CodebookGeneration()
    specs = tf.TensorSpec([1, 3, 4, 5], half), tf.TensorSpec([1, 3, 4, 6], half)
    graph = tf.function(layer.__call__).get_concrete_function(*specs).graph
    dtypes = {op.type: op.outputs[0].dtype for op in graph.get_operations() if op.outputs}
    assert dtypes["Softmax"] == tf.float32
    assert {dtypes[kind] for kind in dtypes if "MatMul" in kind} == {tf.float32}
    assert layer(tf.ones((1, 2, 2, 3), half), tf.ones((1, 2, 2, 4), half)).dtype == tf.float32


@pytest.mark.parametrize("half", HALVES)
def test_large_map_loses_nothing_at_half_precision(half):
    # Each weight is 2^-16: far below what float16 holds to three digits.
    keras.config.set_dtype_policy(f"mixed_{half}")
    base = tf.cast(normal(0, 1, 256, 256, 4) + 1, half)
    codebook = CodebookGeneration()(base, tf.zeros((1, 256, 256, 2), half))
    mean = tf.cast(base, tf.float64).numpy().mean((1, 2))
    np.testing.assert_allclose(codebook, np.stack([mean, mean], 1), rtol=1e-5)


@pytest.mark.parametrize("half", HALVES)
def test_weights_below_the_smallest_half_precision_number_count(half):
    # Each of 65,535 weights is e^-18: nothing in float16, and a thousandth all together.
    keras.config.set_dtype_policy(f"mixed_{half}")
    base, weighting = np.full((1, 256, 256, 1), 1024.0), np.full((1, 256, 256, 1), -18.0)
    base[:, 7, 9], weighting[:, 7, 9] = 0.0, 0.0
    assert np.float16(np.exp(-18)) == 0
    codebook = CodebookGeneration()(tf.cast(base, half), tf.cast(weighting, half))
    np.testing.assert_allclose(codebook, formula(base, weighting), rtol=1e-4)
    assert float(codebook[0, 0, 0]) > 1


def test_symbolic_shape():
    base, weighting = keras.Input((None, None, 16)), keras.Input((None, None, 8))
    assert CodebookGeneration()(base, weighting).shape == (None, 8, 16)
