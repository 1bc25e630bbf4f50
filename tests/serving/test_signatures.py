import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerasseg.errors import KerassegError
from kerasseg.serving import SegmentationSignatures, describe_signatures, export_saved_model
from kerasseg.serving.comparison import decode_mask
from tests.serving.examples import constant_model, encoded, picture, tiny_model


@pytest.fixture(scope="module")
def signatures(saved_model):
    return tf.saved_model.load(str(saved_model)).signatures


def keras_probabilities(model, pixels):
    return tf.nn.softmax(model(pixels[None].astype("float32"))).numpy()[0]


def test_the_signatures_and_their_tensors_are_as_documented(saved_model):
    assert describe_signatures(saved_model) == [
        "pixels: pixels [?, ?, ?, 3] uint8 -> confidence [?] float32, mask [?, ?, ?] uint8",
        "probabilities: pixels [?, ?, ?, 3] uint8 -> probabilities [?, ?, ?, 5] float32",
        "serving_default: image_bytes [?] string -> confidence [?] float32, mask_bytes [?] string",
    ]


def test_probabilities_are_the_softmax_of_the_keras_logits(signatures, model):
    pixels = picture(33, 47)
    given = signatures["probabilities"](pixels=tf.constant(pixels[None]))["probabilities"]
    np.testing.assert_allclose(given[0], keras_probabilities(model, pixels), atol=1e-6)


def test_pixels_gives_the_likeliest_class_and_the_mean_of_its_probability(signatures, model):
    pixels = picture(40, 52)
    answer = signatures["pixels"](pixels=tf.constant(np.stack([pixels, pixels[::-1]])))
    expected = keras_probabilities(model, pixels)
    np.testing.assert_array_equal(answer["mask"][0], expected.argmax(-1))
    np.testing.assert_allclose(answer["confidence"][0], expected.max(-1).mean(), rtol=1e-5)
    assert len(np.unique(answer["mask"])) > 1


def test_images_of_different_sizes_in_one_batch_come_back_each_at_its_own(signatures, model):
    pictures = [picture(48, 64), picture(33, 47, seed=1), picture(65, 32, seed=2)]
    answer = signatures["serving_default"](tf.constant([encoded(pixels) for pixels in pictures]))
    for pixels, mask, confidence in zip(
        pictures, answer["mask_bytes"].numpy(), answer["confidence"], strict=True
    ):
        expected = keras_probabilities(model, pixels)
        np.testing.assert_array_equal(decode_mask(mask), expected.argmax(-1))
        np.testing.assert_allclose(confidence, expected.max(-1).mean(), rtol=1e-5)


@pytest.mark.parametrize(
    ("image_format", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("WEBP", {"lossless": True}),
        ("JPEG", {"quality": 95}),
        ("GIF", {"save_all": True, "loop": 0}),
    ],
)
def test_every_format_is_decoded(signatures, model, image_format, options):
    pixels = picture(40, 52)
    if image_format == "GIF":
        options = {**options, "append_images": [Image.fromarray(pixels[::-1])]}
    file = encoded(pixels, image_format, **options)
    answer = signatures["serving_default"](tf.constant([file]))
    decoded = tf.io.decode_image(file, channels=3, expand_animations=False).numpy()
    expected = keras_probabilities(model, decoded).argmax(-1)
    assert expected.shape == (40, 52)
    np.testing.assert_array_equal(decode_mask(answer["mask_bytes"].numpy()[0]), expected)


@pytest.mark.parametrize("side", [(32, 32), (1, 1)])
def test_small_images_have_small_masks(signatures, side):
    answer = signatures["serving_default"](tf.constant([encoded(picture(*side))]))
    assert decode_mask(answer["mask_bytes"].numpy()[0]).shape == side


def test_an_empty_batch_of_files_gives_an_empty_answer(signatures):
    answer = signatures["serving_default"](tf.constant([], tf.string))
    assert answer["mask_bytes"].shape == (0,)
    assert answer["confidence"].shape == (0,)


def test_a_file_that_is_no_image_is_refused(signatures):
    with pytest.raises(tf.errors.InvalidArgumentError, match="Unknown image file format"):
        signatures["serving_default"](tf.constant([b"not an image, but text"]))


@pytest.mark.parametrize(
    ("num_classes", "mask_type", "png_type"),
    [(255, "uint8", np.uint8), (256, "int32", np.uint16), (300, "int32", np.uint16)],
)
def test_masks_are_16_bit_above_255_classes(tmp_path, num_classes, mask_type, png_type):
    model = constant_model(num_classes, winner=num_classes - 1)
    version = export_saved_model(model, tmp_path, warmup_images=())
    served = tf.saved_model.load(str(version)).signatures
    mask = decode_mask(
        served["serving_default"](tf.constant([encoded(picture(9, 11))]))["mask_bytes"].numpy()[0]
    )
    plain = served["pixels"](pixels=tf.constant(picture(9, 11)[None]))["mask"]
    assert (mask.dtype, plain.dtype.name) == (png_type, mask_type)
    assert mask.shape == (9, 11)
    assert (mask == num_classes - 1).all()
    assert (plain.numpy() == num_classes - 1).all()


def test_a_model_that_ends_in_softmax_is_not_normalised_again(model):
    pixels = tf.constant(picture(40, 52)[None])
    from_logits, from_probabilities = (
        SegmentationSignatures(tiny_model(activation=activation)).probabilities(pixels)
        for activation in (None, "softmax")
    )
    np.testing.assert_allclose(
        from_logits["probabilities"], from_probabilities["probabilities"], atol=1e-6
    )


def test_bfloat16_models_answer_in_float32():
    model = tiny_model(dtype="mixed_bfloat16")
    answer = SegmentationSignatures(model).probabilities(tf.constant(picture(40, 52)[None]))
    assert answer["probabilities"].dtype == tf.float32
    np.testing.assert_allclose(tf.reduce_sum(answer["probabilities"], -1), 1, atol=1e-6)


def test_models_that_cannot_be_served_are_refused_with_the_remedy():
    fixed = keras.Input((64, 64, 3))
    free = keras.Input((None, None, 3))
    conv = keras.layers.Conv2D
    cases = {
        "input_shape=\\(None, None, 3\\)": keras.Model(fixed, conv(2, 1, name="logits")(fixed)),
        "name it 'logits' or 'probabilities'": keras.Model(free, conv(2, 1, name="head")(free)),
        "num_classes=2": keras.Model(free, conv(1, 1, name="logits")(free)),
        "end with a resize": keras.Model(free, conv(2, 1, 2, name="logits")(free)),
        "one output": keras.Model(free, [conv(2, 1)(free), conv(2, 1, name="logits")(free)]),
    }
    for message, model in cases.items():
        with pytest.raises(KerassegError, match=message):
            SegmentationSignatures(model)
