"""What holds for every architecture: a subclass names one, and each statement becomes a test."""

import functools
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg.layers import CodebookGeneration, PadToMinimum, ResizeBy
from tests.calibration import calibrate

NUM_CLASSES = 5
BACKBONE = "mobilenetv2"
ANY_SIZE = tf.TensorSpec([None, None, None, 3])
EXACT_NAMES = {"classifier", "upsample", "logits", "probabilities"}
EXACT_KINDS = (PadToMinimum, ResizeBy, CodebookGeneration)
POLICIES = ("mixed_float16", "mixed_bfloat16")


def random_images(*size: int, seed: int = 0) -> np.ndarray:
    """Returns RGB pixels of whole numbers 0..255, float32, `(N, H, W, 3)`."""
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3))
    return pixels.astype(np.float32)


def assert_close(found: Any, expected: Any) -> None:
    """Says that two maps differ by less than rounding explains, on the scale of their spread."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert expected.std() > 0
    assert np.abs(found - expected).max() < 1e-3 * expected.std()


def all_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Returns the layers of a model, those inside other layers and models as well."""
    return list(model._flatten_layers(include_self=False))


def decoder_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Returns all layers but the backbones and theirs."""
    backbones = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    assert backbones
    inside = {id(layer) for one in backbones for layer in (one, *all_layers(one))}
    return [layer for layer in all_layers(model) if id(layer) not in inside]


def assert_decoder_computes_in(half: str, model: keras.Model) -> None:
    """Says that pixels, codebook and what follows the decoder are float32, and nothing else."""
    assert model.input.dtype == "float32"
    layers = [one for one in decoder_layers(model) if not isinstance(one, keras.layers.InputLayer)]
    exact = [one for one in layers if one.name in EXACT_NAMES or isinstance(one, EXACT_KINDS)]
    assert {"classifier", "upsample", "logits"} <= {one.name for one in exact}
    rounded = [one for one in layers if not any(one is other for other in exact)]
    assert rounded
    assert [one.name for one in exact if one.compute_dtype != "float32"] == []
    assert [one.path for one in rounded if one.compute_dtype != half] == []


@functools.cache
def shared_model(architecture: Callable[..., keras.Model], **options: Any) -> keras.Model:
    """Returns one small model for all tests that leave it as it is.

    Its batch-norm statistics are those of a batch of noise, as if it had been trained: the signal
    reaches the logits, and statistics that got lost would be noticed.
    """
    keras.utils.set_random_seed(0)
    model = architecture(BACKBONE, NUM_CLASSES, backbone_weights=None, **options)
    calibrate(model, random_images(4, 64, 64, seed=1))
    return model


def tiny_backbone(size: tuple[int | None, int | None] = (None, None)) -> keras.Model:
    """Returns four maps of 4, 6, 8 and 10 channels, of pixels that it scales itself."""
    pixels = keras.Input((*size, 3))
    x = keras.layers.Rescaling(1 / 255, dtype="float32")(pixels)
    maps = []
    for channels, stride in ((4, 4), (6, 2), (8, 2), (10, 2)):
        conv = keras.layers.Conv2D(channels, 5, stride, padding="same", activation="relu")
        x = conv(x)
        maps.append(x)
    return keras.Model(pixels, maps, name="my_network")


class ModelCase:
    """The tests of an architecture over MobileNetV2 at small widths."""

    architecture: ClassVar[Callable[..., keras.Model]]
    options: ClassVar[dict[str, Any]]

    def build(self, **options: Any) -> keras.Model:
        """Returns a new model, of random weights unless told otherwise."""
        defaults = {"backbone_weights": None, **self.options}
        return type(self).architecture(BACKBONE, NUM_CLASSES, **{**defaults, **options})

    @pytest.fixture
    def model(self) -> keras.Model:
        return shared_model(type(self).architecture, **self.options)

    @pytest.fixture
    def infer(self, model) -> Callable[[np.ndarray], tf.Tensor]:
        return graph_of_any_size(model)

    # Pixels in, logits out

    @pytest.mark.parametrize("size", [(33, 47), (97, 161), (64, 64), (16, 16), (31, 31), (1, 1)])
    def test_logits_have_the_size_of_the_image(self, model, infer, size):
        images = random_images(2, *size)
        logits = infer(images)
        assert logits.shape == (2, *size, NUM_CLASSES)
        assert logits.dtype == tf.float32
        assert_close(logits, model(images))

    @pytest.mark.parametrize("size", [(16, 16), (31, 31), (1, 1), (20, 70)])
    def test_small_image_is_padded_with_its_last_row_and_column(self, infer, size):
        images = random_images(1, *size)
        missing = [(0, max(0, 32 - side)) for side in size]
        padded = np.pad(images, [(0, 0), *missing, (0, 0)], mode="edge")
        assert_close(infer(images), infer(padded)[:, : size[0], : size[1]])

    def test_each_image_of_a_batch_is_seen_alone(self, infer):
        images = random_images(3, 40, 48)
        assert_close(infer(images)[1:2], infer(images[1:2]))

    def test_uint8_and_float_pixels_give_the_same(self, model):
        images = random_images(1, 33, 47)
        assert np.array_equal(model(images.astype(np.uint8)), model(images))

    def test_known_sizes_in_a_graph(self, model):
        images = random_images(2, 33, 47)
        graph = tf.function(model, input_signature=[tf.TensorSpec(images.shape)])
        assert_close(graph(images), model(images))

    @pytest.mark.parametrize("size", [(33, 47), (16, 40)])
    def test_static_input_shape(self, model, size):
        fixed = self.build(input_shape=(*size, 3))
        fixed.set_weights(model.get_weights())
        assert fixed.output_shape == (None, *size, NUM_CLASSES)
        images = random_images(1, *size)
        assert_close(fixed(images), model(images))

    def test_softmax_gives_probabilities(self, model):
        with_softmax = self.build(activation="softmax")
        with_softmax.set_weights(model.get_weights())
        images = random_images(1, 33, 47)
        probabilities = with_softmax(images).numpy()
        assert with_softmax.layers[-1].name == "probabilities"
        np.testing.assert_allclose(probabilities.sum(-1), 1, atol=1e-6)
        np.testing.assert_allclose(probabilities, tf.nn.softmax(model(images)), atol=1e-6)

    # A plain functional model

    def test_is_a_functional_model_with_one_nested_backbone(self, model):
        assert type(model).__name__ == "Functional"
        nested = [layer for layer in model.layers if isinstance(layer, keras.Model)]
        assert [backbone.name for backbone in nested] == [BACKBONE]
        assert len(nested[0].outputs) == 4
        assert model.output_shape == (None, None, None, NUM_CLASSES)

    def test_frozen_backbone_leaves_the_decoder_to_train(self, model):
        backbone = model.get_layer(BACKBONE)
        inside = {id(weight) for weight in backbone.weights}
        everything = [id(weight) for weight in model.trainable_weights]
        backbone.trainable = False
        trained = [id(weight) for weight in model.trainable_weights]
        backbone.trainable = True
        assert trained == [weight for weight in everything if weight not in inside]
        assert len(trained) < len(everything)

    def test_has_no_lambda_layer_and_registers_its_own(self, model):
        kinds = {type(layer) for layer in all_layers(model)}
        assert keras.layers.Lambda not in kinds
        own = {kind for kind in kinds if kind.__module__.startswith("kerasseg")}
        assert own
        names = {keras.saving.get_registered_name(kind) for kind in own}
        assert all(name.startswith("kerasseg>") for name in names)

    # Saving

    def test_saved_model_gives_exactly_the_same(self, model, tmp_path):
        model.save(tmp_path / "model.keras")
        reloaded = keras.models.load_model(tmp_path / "model.keras")
        images = random_images(1, 33, 47)
        assert np.array_equal(reloaded(images), model(images))
        assert [layer.name for layer in reloaded.layers] == [layer.name for layer in model.layers]

    @pytest.mark.slow
    def test_weights_round_trip(self, model, tmp_path):
        path = tmp_path / "saved.weights.h5"
        model.save_weights(path)
        again = self.build(weights=path, backbone_weights="imagenet")
        images = random_images(1, 33, 47)
        assert np.array_equal(again(images), model(images))

    # Precision

    @pytest.mark.parametrize("policy", POLICIES)
    def test_mixed_precision(self, model, policy):
        keras.config.set_dtype_policy(policy)
        mixed = self.build()
        mixed.set_weights(model.get_weights())
        images = random_images(1, 64, 96)
        logits, exact = mixed(images), model(images)
        assert logits.dtype == tf.float32
        assert np.corrcoef(np.ravel(logits), np.ravel(exact))[0, 1] > 0.9
        assert {weight.dtype for weight in mixed.weights if "seed" not in weight.path} == {
            "float32"
        }
        assert_decoder_computes_in(policy.removeprefix("mixed_"), mixed)

    @pytest.mark.parametrize("policy", POLICIES)
    def test_pixels_are_normalized_in_float32_under_every_policy(self, policy):
        keras.config.set_dtype_policy(policy)
        model = self.build()
        assert model.input.dtype == "float32"
        normalization = model.get_layer(BACKBONE).get_layer("normalization")
        pixels = np.full((1, 2, 2, 3), 200.7, np.float32)
        expected = tf.cast((pixels - 127.5) / 127.5, normalization.compute_dtype)
        assert np.array_equal(normalization(pixels), expected)

    # Training

    @pytest.mark.slow
    def test_fit_trains_every_kernel(self):
        # Eager, since tracing a whole network forth and back takes seconds.
        assert_fit_trains_every_kernel(self.build(), run_eagerly=True)


def assert_fit_trains_every_kernel(model: keras.Model, **options: Any) -> None:
    """Fits two batches of different sizes; the backbone's kernels have to change as well."""
    kernels = [weight for weight in model.trainable_weights if len(weight.shape) == 4]
    before = [kernel.numpy() for kernel in kernels]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, **options)
    history = model.fit(_batches_of_varying_size(), steps_per_epoch=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    pairs = zip(kernels, before, strict=True)
    assert [kernel.path for kernel, old in pairs if np.array_equal(kernel, old)] == []


@functools.cache
def graph_of_any_size(model: keras.Model) -> Callable[[np.ndarray], tf.Tensor]:
    return tf.function(model, input_signature=[ANY_SIZE])


def _batches_of_varying_size() -> tf.data.Dataset:
    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for size in ((2, 40, 33), (1, 33, 64)):
            labels = np.random.default_rng(0).integers(0, NUM_CLASSES, size)
            yield random_images(*size), labels

    labels = tf.TensorSpec([None, None, None], tf.int64)
    return tf.data.Dataset.from_generator(batches, output_signature=(ANY_SIZE, labels))
