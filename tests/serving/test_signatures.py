import io

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import ExifTags, Image, ImageOps

from kerasseg.errors import KerassegError
from kerasseg.evaluation import DenseCRF, Protocol
from kerasseg.label_set import LabelSet
from kerasseg.serving import SegmentationSignatures, describe_signatures, export_saved_model
from kerasseg.serving.comparison import decode_mask
from kerasseg.visualization import overlay
from tests.serving.examples import constant_model, encoded, picture, tiny_model


@pytest.fixture(scope="module")
def signatures(saved_model):
    return tf.saved_model.load(str(saved_model)).signatures


def keras_probabilities(model, pixels):
    return tf.nn.softmax(model(pixels[None].astype("float32"))).numpy()[0]


def test_the_signatures_and_their_tensors_are_as_documented(saved_model):
    assert describe_signatures(saved_model) == [
        "overlay: image_bytes [?] string -> error [?] string, overlay_bytes [?] string",
        "pixels: pixels [?, ?, ?, 3] uint8 -> class_shares [?, 5] float32, confidence [?] float32, "
        "mask [?, ?, ?] uint8",
        "probabilities: pixels [?, ?, ?, 3] uint8 -> probabilities [?, ?, ?, 5] float32",
        "serving_default: image_bytes [?] string -> class_shares [?, 5] float32, confidence [?] "
        "float32, error [?] string, mask_bytes [?] string",
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


def test_no_images_get_no_answers(signatures):
    for name in ("serving_default", "overlay"):
        answer = signatures[name](image_bytes=tf.constant([], tf.string))
        assert {len(output) for output in answer.values()} == {0}
    for name in ("pixels", "probabilities"):
        answer = signatures[name](pixels=tf.zeros((0, 40, 52, 3), tf.uint8))
        assert {len(output) for output in answer.values()} == {0}


def test_shares_are_those_of_the_mask(signatures):
    pictures = [picture(48, 64), picture(33, 47, seed=1)]
    answer = signatures["serving_default"](tf.constant([encoded(pixels) for pixels in pictures]))
    plain = signatures["pixels"](pixels=tf.constant(pictures[0][None]))
    for mask, shares in zip(answer["mask_bytes"].numpy(), answer["class_shares"], strict=True):
        ids = decode_mask(mask)
        np.testing.assert_allclose(shares, np.bincount(ids.ravel(), minlength=5) / ids.size)
    np.testing.assert_allclose(plain["class_shares"][0], answer["class_shares"][0])


def test_what_is_no_image_answers_for_itself(signatures):
    good, torn = encoded(picture(48, 64)), encoded(picture(48, 64), "JPEG")[:300]
    (alone,) = signatures["serving_default"](tf.constant([good]))["mask_bytes"].numpy()
    batch = tf.constant([b"not an image, but text", good, torn, b"", good])
    answer = {name: each.numpy() for name, each in signatures["serving_default"](batch).items()}
    assert [*answer["mask_bytes"]] == [b"", alone, b"", b"", alone]
    assert [error == b"" for error in answer["error"]] == [False, True, False, False, True]
    assert answer["error"][0].startswith(b"cannot be decoded: send a whole JPEG")
    assert (answer["confidence"] > 0).tolist() == [False, True, False, False, True]
    np.testing.assert_allclose(answer["class_shares"].sum(-1), [0, 1, 0, 0, 1])
    overlays = signatures["overlay"](batch)
    assert [len(each) > 0 for each in overlays["overlay_bytes"].numpy()] == [
        *(False, True, False, False, True)
    ]


def test_an_overlay_is_the_image_under_the_colours_of_its_classes(signatures, model):
    pixels = picture(40, 52)
    answer = signatures["overlay"](image_bytes=tf.constant([encoded(pixels)]))
    shown = np.asarray(Image.open(io.BytesIO(answer["overlay_bytes"].numpy()[0])), np.float32)
    labels = LabelSet(tuple("abcde"))
    expected = overlay(pixels, keras_probabilities(model, pixels).argmax(-1), labels)
    assert np.abs(shown - expected).mean() < 6  # a JPEG's loss
    assert np.abs(shown - pixels).mean() > 20


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_camera_s_orientation_is_honoured(signatures, model, orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    file = encoded(picture(40, 52), "JPEG", exif=exif.tobytes(), quality=95, subsampling=0)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(file))))
    answer = signatures["serving_default"](tf.constant([file]))
    mask = decode_mask(answer["mask_bytes"].numpy()[0])
    assert mask.shape == upright.shape[:2] == ((40, 52) if orientation < 5 else (52, 40))
    # The two decoders differ by a grey value here and there.
    expected = keras_probabilities(model, upright).argmax(-1)
    assert (mask != expected).mean() < 0.03
    assert len(np.unique(mask)) > 1


def test_a_model_averages_over_scales_and_mirroring_within_the_graph(model):
    protocol = Protocol(scales=(0.5, 1.0), flip=True)
    pixels = picture(40, 52)
    answer = SegmentationSignatures(model, protocol=protocol, frozen=True).probabilities(
        tf.constant(pixels[None])
    )
    views = []
    for size in ((20, 26), (40, 52)):
        seen = tf.image.resize(pixels, size).numpy()
        for step in (1, -1):
            found = keras_probabilities(model, seen[:, ::step])[:, ::step]
            views.append(tf.image.resize(found, (40, 52)).numpy())
    np.testing.assert_allclose(answer["probabilities"][0], np.mean(views, axis=0), atol=1e-5)


def test_serving_default_can_take_pixels(model):
    signatures = SegmentationSignatures(model, default_signature="pixels")
    assert [*signatures.functions] == [
        *("serving_default", "bytes", "pixels", "probabilities", "overlay")
    ]
    assert signatures.input_spec("serving_default") == signatures.input_spec("pixels")
    assert signatures.input_spec("bytes").dtype == tf.string
    mask = signatures.functions["serving_default"](tf.constant(picture(40, 52)[None]))["mask"]
    assert mask.shape == (1, 40, 52)


def test_arguments_out_of_range_are_refused(model):
    cases = {
        "unknown default signature 'byte': did you mean 'bytes'": {"default_signature": "byte"},
        "max_pixels is a whole number of at least 1, or None for any": {"max_pixels": 0},
        r"tiles of 64: leave them out, and bound the images by max_pixels \(--max-pixels\)": {
            "protocol": Protocol(tile=64)
        },
        "no graph holds a dense CRF; received a protocol with DenseCRF": {
            "protocol": Protocol(crf=DenseCRF())
        },
    }
    for message, options in cases.items():
        with pytest.raises(KerassegError, match=message):
            SegmentationSignatures(model, **options)


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
