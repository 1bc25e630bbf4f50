import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg import backbones
from kerasseg.backbones import dilated
from kerasseg.errors import KerassegError

NO_SHAPES = [
    (64, 3),
    (None, None, 0),
    64,
    None,
    "abc",
    ("a", 64, 3),
    (64.5, 64, 3),
    (64, 64, True),
    (64, 64, None),
]
PIXELS = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3), "uint8")


@pytest.fixture(scope="module")
def lite():
    return backbones.create("efficientnet_lite0", weights=None)


def test_takes_bytes_and_floats_in_every_way_of_calling(lite):
    expected = lite(PIXELS.astype("float32"))
    compiled = tf.function(lite)
    for results in (lite(PIXELS), lite.predict(PIXELS, verbose=0), compiled(tf.constant(PIXELS))):
        for level, reference in zip(results, expected, strict=True):
            assert_close(level, reference)


@pytest.mark.slow
def test_saved_model_takes_bytes_of_any_size(lite, tmp_path):
    archive = keras.export.ExportArchive()
    archive.track(lite)
    pixels = tf.TensorSpec((None, None, None, 3), tf.uint8)
    archive.add_endpoint("features", lambda image: lite(image, training=False), [pixels])
    archive.write_out(str(tmp_path / "model"), verbose=False)
    served = tf.saved_model.load(str(tmp_path / "model"))
    odd = PIXELS[:, :51, :77]
    for level, reference in zip(served.features(tf.constant(odd)), lite(odd), strict=True):
        assert_close(level, reference)


@pytest.mark.slow
def test_fits_batches_of_bytes_whose_size_varies(lite):
    pooled = keras.layers.GlobalAveragePooling2D()(lite.outputs[3])
    model = keras.Model(lite.inputs[0], keras.layers.Dense(2)(pooled))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    sizes = tf.data.Dataset.from_generator(
        lambda: ((PIXELS[:, :size], [0, 1]) for size in (32, 45)),
        output_signature=(
            tf.TensorSpec((None, None, None, 3), tf.uint8),
            tf.TensorSpec((None,), tf.int32),
        ),
    )
    before = lite.get_layer("stem_conv").get_weights()[0]
    model.fit(sizes, verbose=0)
    assert not np.array_equal(lite.get_layer("stem_conv").get_weights()[0], before)


@pytest.mark.slow
def test_two_copies_of_different_names_in_one_model_are_saved_and_reloaded(tmp_path):
    pixels = keras.Input((None, None, 3))
    left = backbones.create("efficientnet_lite0", weights=None, name="left")
    right = backbones.create("efficientnet_lite0", weights=None, name="right")
    both = keras.Model(pixels, [left(pixels)[3], right(pixels)[3]])
    assert [layer.name for layer in both.layers[1:]] == ["left", "right"]
    both.save(tmp_path / "both.keras")
    reloaded = keras.models.load_model(tmp_path / "both.keras")
    for level, reference in zip(reloaded(PIXELS), both(PIXELS), strict=True):
        np.testing.assert_array_equal(level, reference)
    assert not np.array_equal(*both(PIXELS))


def test_is_frozen_as_one_layer():
    model = backbones.create("mobilenetv2", weights=None)
    pixels = keras.Input((None, None, 3))
    whole = keras.Model(pixels, model(pixels)[3])
    whole.get_layer("mobilenetv2").trainable = False
    before = model.get_weights()
    whole(PIXELS, training=True)
    assert whole.trainable_weights == []
    assert all(np.array_equal(*pair) for pair in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("backbone", ["efficientnet_lite0", "efficientnetb0"])
def test_runs_in_bfloat16_after_its_normalization(backbone):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = backbones.create(backbone, weights=None)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.inputs[0].dtype == "float32"
    outputs = {layer.name: layer.output.dtype for layer in model.layers[1:]}
    assert set(outputs.values()) == {"bfloat16"}
    assert {level.dtype for level in model(PIXELS[:, :64, :64])} == {tf.bfloat16}


def test_pixels_reach_the_normalization_unrounded_in_bfloat16():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = backbones.create("efficientnet_lite0", (32, 32, 3), weights=None)
        outer = keras.Input((32, 32, 3))
        normalized = keras.Model(model.inputs[0], model.get_layer("normalization").output)
        nested = keras.Model(outer, normalized(outer))
    finally:
        keras.config.set_dtype_policy("float32")
    near = np.stack([np.full((32, 32, 3), value, "float32") for value in (200.7, 201)])
    result = keras.ops.convert_to_numpy(keras.ops.cast(nested(near), "float32"))
    assert result[0, 0, 0, 0] < result[1, 0, 0, 0]


@pytest.mark.parametrize("input_shape", NO_SHAPES)
@pytest.mark.parametrize("create", [backbones.create, dilated.create])
def test_input_shapes_that_are_no_image_are_refused(create, input_shape):
    with pytest.raises(KerassegError) as error:
        create("resnet50", input_shape, weights=None)
    assert str(error.value) == (
        "input_shape is (height, width, channels), None for sides that vary; received "
        f"{input_shape!r}. (None, None, 3) takes RGB images of any size."
    )


def test_input_shapes_that_are_too_small_are_refused():
    message = r"\(31, 64, 3\) is too small: a backbone needs 32 pixels"
    with pytest.raises(KerassegError, match=message):
        backbones.create("resnet50", (31, 64, 3), weights=None)


def test_channels_first_is_refused():
    keras.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(KerassegError, match="kerasseg needs channels_last"):
            backbones.create("resnet50", weights=None)
    finally:
        keras.config.set_image_data_format("channels_last")


def assert_close(values, reference):
    """Within 1e-4 of the deviation of the reference: other orders of addition, no more."""
    difference = np.abs(np.asarray(values) - np.asarray(reference)).max()
    assert difference <= 1e-4 * np.asarray(reference).std()
