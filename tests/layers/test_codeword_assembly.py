"""The properties of `f̃ = n^(-1/2) W C`."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasseg.layers import CodewordAssembly
from tests.layers.numpy_statements import normal

assemble = CodewordAssembly()


@st.composite
def codebook_and_weights(draw) -> tuple[np.ndarray, np.ndarray]:
    """C `(2, n, c)` and W `(2, H, W, n)`."""
    h, w, c, n, seed = (draw(st.integers(1, high)) for high in (6, 6, 5, 7, 10_000))
    return normal(seed, 2, n, c), normal(seed + 1, 2, h, w, n)


pairs = codebook_and_weights()
quick = settings(max_examples=25, deadline=None)


@quick
@given(pairs, st.booleans())
def test_equals_the_papers_formula(pair, scaled):
    codebook, weights = pair
    factor = 1 / math.sqrt(codebook.shape[1]) if scaled else 1
    expected = factor * np.einsum("nhwk,nkc->nhwc", weights, codebook)
    np.testing.assert_allclose(CodewordAssembly(scaled)(codebook, weights), expected, atol=1e-4)


@quick
@given(pairs, st.sampled_from([("mixed_float16", 2e-2), ("mixed_bfloat16", 2e-1)]))
def test_equals_it_up_to_rounding_under_mixed_precision(pair, policy):
    codebook, weights = pair
    name, tolerance = policy
    assembled = CodewordAssembly(dtype=name)(codebook, weights)
    expected = assemble(codebook, weights)
    np.testing.assert_allclose(tf.cast(assembled, tf.float32), expected, atol=tolerance)


@quick
@given(pairs, st.integers(0, 1000))
def test_order_of_the_codewords_does_not_matter(pair, seed):
    codebook, weights = pair
    order = np.random.default_rng(seed).permutation(codebook.shape[1])
    np.testing.assert_allclose(
        assemble(codebook[:, order], weights[..., order]), assemble(codebook, weights), atol=1e-4
    )


@quick
@given(pairs)
def test_duplicated_codewords_at_half_the_weight_divide_by_the_root_of_two(pair):
    codebook, weights = pair
    twice = np.concatenate([codebook, codebook], 1)
    halved = np.concatenate([weights, weights], 3) / 2
    expected = assemble(codebook, weights) / math.sqrt(2)
    np.testing.assert_allclose(assemble(twice, halved), expected, atol=1e-4)


def test_factor_is_applied_before_the_product():
    # 256 codewords of 300 add up to 76,800: too much for float16, unlike 256^(-1/2) of it.
    layer = CodewordAssembly(dtype="mixed_float16")
    assembled = layer(np.full((1, 256, 2), 300.0), np.ones((1, 3, 3, 256)))
    assert assembled.dtype == tf.float16
    np.testing.assert_allclose(assembled, np.full((1, 3, 3, 2), 4800.0), rtol=1e-3)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_takes_a_float32_codebook_and_returns_the_compute_dtype(policy):
    layer = CodewordAssembly(dtype=policy)
    weights = tf.ones((1, 3, 3, 8), layer.compute_dtype)
    assert layer(tf.ones((1, 8, 4)), weights).dtype == layer.compute_dtype


def test_symbolic_shape():
    codebook, weights = keras.Input((8, 16)), keras.Input((None, 9, 8))
    assert CodewordAssembly()(codebook, weights).shape == (None, None, 9, 16)
