"""What holds for every architecture and each of its variants, over a tiny backbone of one's own."""

import functools
from collections.abc import Callable
from typing import Any, ClassVar

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.models.model_case import (
    NUM_CLASSES,
    assert_close,
    assert_decoder_computes_in,
    assert_fit_trains_every_kernel,
    graph_of_any_size,
    random_images,
    tiny_backbone,
)

XLA_SIZES = [(33, 47), (16, 16), (153, 243)]


class SmallModelCase:
    """The tests of a variant: a subclass names the builder and its arguments."""

    architecture: ClassVar[Callable[..., keras.Model]]
    options: ClassVar[dict[str, Any]]
    # Of the logits as the decoder gives them, and of the image that the backbone sees.
    stride: ClassVar[int] = 4
    scale: ClassVar[float] = 1.0

    def backbone(self) -> keras.Model:
        """Returns the backbone; a subclass may need other strides."""
        return tiny_backbone()

    def build(self, **options: Any) -> keras.Model:
        """Returns a new model of random weights."""
        return type(self).architecture(self.backbone(), NUM_CLASSES, **{**self.options, **options})

    def build_alike(self, model: keras.Model, **options: Any) -> keras.Model:
        """Returns a new model with the weights of `model`."""
        again = self.build(**options)
        again.set_weights(model.get_weights())
        return again

    @pytest.fixture
    def model(self) -> keras.Model:
        """One model for all tests, which leave it as it is."""
        return _model(type(self))

    @pytest.fixture
    def infer(self, model) -> Callable[[np.ndarray], tf.Tensor]:
        return graph_of_any_size(model)

    @pytest.mark.parametrize("size", [(33, 47), (500, 375), (32, 1000), (16, 70), (1, 1)])
    def test_one_graph_takes_every_size(self, model, infer, size):
        images = random_images(1, *size)
        logits = infer(images)
        assert logits.shape == (1, *size, NUM_CLASSES)
        assert logits.dtype == tf.float32
        assert_close(logits, model(images))

    @pytest.mark.parametrize("size", [(40, 48), (40, None), (None, 20)])
    def test_a_size_that_is_known_or_half_known_changes_nothing(self, model, size):
        known = self.build_alike(model, input_shape=(*size, 3))
        assert known.output_shape == (None, *size, NUM_CLASSES)
        images = random_images(1, *(side or 52 for side in size))
        assert_close(known(images), model(images))

    def test_logits_of_the_decoders_own_stride_resize_to_those_of_the_model(self, model):
        decode = self.build_alike(model, upsample=False)
        seen = [round(side * self.scale) for side in (33, 47)]
        images = random_images(1, 33, 47)
        coarse = decode(images)
        assert coarse.shape == (1, *(-(-side // self.stride) for side in seen), NUM_CLASSES)
        assert_close(tf.image.resize(coarse, (33, 47)), model(images))

    @pytest.mark.parametrize("size", [(1, 1), (16, 70), (31, 31)])
    def test_those_of_a_small_image_are_those_of_the_padded_image(self, model, size):
        decode = self.build_alike(model, upsample=False)
        images = random_images(1, *size)
        missing = [(0, max(0, 32 - side)) for side in size]
        padded = np.pad(images, [(0, 0), *missing, (0, 0)], mode="edge")
        coarse = decode(images)
        # Two scales see it at their own sizes, of at least 32 pixels too.
        seen = [max(32, round(side * self.scale)) for side in padded.shape[1:3]]
        assert coarse.shape == (1, *(-(-side // self.stride) for side in seen), NUM_CLASSES)
        assert_close(coarse, decode(padded))
        cropped = tf.image.resize(coarse, padded.shape[1:3])[:, : size[0], : size[1]]
        assert_close(cropped, model(images))

    def test_reloaded_model_gives_exactly_the_same(self, model, tmp_path):
        model.save(tmp_path / "model.keras")
        reloaded = keras.models.load_model(tmp_path / "model.keras")
        images = random_images(1, 33, 47)
        assert np.array_equal(reloaded(images), model(images))
        assert reloaded.to_json() == model.to_json()

    def test_weights_round_trip(self, model, tmp_path):
        model.save_weights(tmp_path / "saved.weights.h5")
        images = random_images(1, 33, 47)
        again = self.build(weights=tmp_path / "saved.weights.h5")
        assert np.array_equal(again(images), model(images))

    def test_all_that_may_computes_at_half_precision(self, model):
        keras.config.set_dtype_policy("mixed_bfloat16")
        mixed = self.build_alike(model)
        assert_decoder_computes_in("bfloat16", mixed)
        assert_decoder_computes_in("bfloat16", self.build(activation="softmax"))
        images = random_images(1, 64, 96)
        logits = mixed(images)
        assert logits.dtype == tf.float32
        assert np.corrcoef(np.ravel(logits), np.ravel(model(images)))[0, 1] > 0.9

    def test_fit_trains_every_kernel(self):
        assert_fit_trains_every_kernel(self.build(), run_eagerly=True)


class XlaModelCase(SmallModelCase):
    """What XLA compiles: its own bilinear resize is wrong at odd sizes (`layers/bilinear.py`)."""

    @pytest.mark.slow
    @pytest.mark.parametrize("size", XLA_SIZES)
    def test_xla_gives_the_same_values_and_gradients(self, model, size):
        images = tf.constant(random_images(1, *size))
        compiled = tf.function(functools.partial(_values_and_gradients, model), jit_compile=True)
        found, expected = compiled(images), _values_and_gradients(model, images)
        assert_close(found[0], expected[0])
        for one, other in zip(found[1], expected[1], strict=True):
            # Gradients that batch norm or a softmax cancels are rounding alone.
            np.testing.assert_allclose(one, other, atol=1e-3 * np.abs(other).max() + 1e-6)


class CompiledModelCase(XlaModelCase):
    """What takes seconds to compile, and is tested for one variant of an architecture."""

    def test_predicts_batches_of_different_sizes_one_after_the_other(self, model):
        for size in ((1, 33, 47), (3, 40, 31), (2, 16, 70)):
            images = random_images(*size)
            assert_close(model.predict(images, verbose=0), model(images))

    def test_fit_compiled_on_batches_of_varying_size(self):
        assert_fit_trains_every_kernel(self.build())


@functools.cache
def _model(case: type[SmallModelCase]) -> keras.Model:
    keras.utils.set_random_seed(0)
    return case().build()


def _values_and_gradients(
    model: keras.Model, images: tf.Tensor
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Returns the logits, and the gradients of the image and of every weight."""
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = model(images, training=False)
        # Every pixel counts in a way of its own.
        pixels = tf.cast(tf.range(tf.size(logits)), tf.float32)
        projection = tf.reduce_mean(logits * tf.reshape(tf.sin(pixels), tf.shape(logits)))
    sources = [images, *(weight.value for weight in model.trainable_weights)]
    return logits, tape.gradient(projection, sources)
