import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg import EfficientFCN
from kerasseg.errors import KerassegError
from kerasseg.evaluation import Predictor, Protocol, Tally, evaluate, predict
from tests.data.files import LABELS, write_folder
from tests.evaluation.networks import random_image, random_model, reads_green
from tests.replicas import TWO, two_replicas
from tests.tiny import tiny_backbone

VIEWS = Protocol(scales=(0.5, 1, 1.7), flip=True, multiple=8)


def resized(maps, size):
    return tf.image.resize(maps[None], size)[0].numpy()


def softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def averaged(model, image, scales, multiple, flip):
    """The protocol, view by view."""
    found = []
    for scale in scales:
        sides = [max(round(scale * side / multiple), 1) * multiple for side in image.shape[:2]]
        view = resized(image.astype(np.float32), sides)
        for seen, back in [(view, 1), (view[:, ::-1], -1)] if flip else [(view, 1)]:
            answer = softmax(model(seen[None]).numpy()[0])[:, ::back]
            found.append(resized(answer, image.shape[:2]))
    return np.mean(found, axis=0)


@pytest.mark.parametrize(("scales", "multiple", "flip"), [((0.5, 1, 1.7), 8, True), ((0.4,), 1, 0)])
def test_probabilities_are_averaged_over_the_views(scales, multiple, flip):
    model, image = random_model(), random_image(41, 56)
    found = predict(model, image, Protocol(scales, bool(flip), multiple), probabilities=True)
    expected = averaged(model, image, scales, multiple, flip)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-6)
    np.testing.assert_array_equal(
        predict(model, image, Protocol(scales, bool(flip), multiple)), expected.argmax(-1)
    )


def test_the_image_itself_is_not_touched():
    model, image = random_model(), random_image(33, 47)
    logits = model(image[None].astype(np.float32)).numpy()[0]
    np.testing.assert_array_equal(predict(model, image), logits.argmax(-1))
    np.testing.assert_allclose(
        predict(model, image, probabilities=True), softmax(logits), atol=1e-6
    )


def test_probabilities_are_not_made_probabilities_twice():
    images = keras.Input((None, None, 3))
    outputs = keras.layers.Conv2D(3, 1, activation="softmax", name="probabilities")(images)
    model = keras.Model(images, outputs)
    image = random_image(8, 9)
    expected = model(image[None].astype(np.float32)).numpy()[0]
    np.testing.assert_allclose(predict(model, image, probabilities=True), expected, atol=1e-6)


def test_one_channel_is_the_probability_of_class_1():
    model, image = random_model(classes=1), random_image(20, 30)
    logits = model(image[None].astype(np.float32)).numpy()[0]
    expected = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(predict(model, image, probabilities=True), expected, atol=1e-6)
    np.testing.assert_array_equal(predict(model, image), logits[..., 0] > 0)
    tiled = predict(model, image, Protocol(tile=32, overlap=0))
    np.testing.assert_array_equal(tiled, logits[..., 0] > 0)


def test_what_is_smaller_than_the_image_is_resized():
    images = keras.Input((None, None, 3))
    logits = keras.layers.Conv2D(3, 3, 4, padding="same", name="logits")(images)
    model, image = keras.Model(images, logits), random_image(32, 40)
    small = softmax(model(image[None].astype(np.float32)).numpy()[0])
    found = predict(model, image, probabilities=True)
    np.testing.assert_allclose(found, resized(small, (32, 40)), atol=1e-6)


def counted():
    """Returns a model and the list that it makes longer each time it is traced."""
    calls = []

    class Counted(keras.layers.Layer):
        def call(self, x):
            calls.append(1)
            return x

    images = keras.Input((None, None, 3))
    model = keras.Model(images, Counted(name="logits")(images))
    calls.clear()
    return model, calls


@pytest.mark.parametrize("calibration", [False, True])
def test_evaluations_are_traced_once(calibration, tmp_path):
    model, calls = counted()
    pairs = write_folder(tmp_path, [(40, 48), (33, 47)])
    for _ in range(2):
        evaluate(model, pairs, LABELS, tally=Tally(LABELS, calibration=calibration))
    assert len(calls) == 1


def test_images_of_all_sizes_are_traced_once():
    model, calls = counted()
    for size in ((20, 30), (33, 47), (64, 10)):
        predict(model, random_image(*size), VIEWS)
    assert len(calls) == 1
    for overlap in (0, 32):
        predict(model, random_image(100, 100), VIEWS.in_tiles(64, overlap))
    assert len(calls) == 2  # of tiles it is the probabilities that are wanted, not the classes


def test_two_devices_answer_what_one_does():
    model = random_model()
    images = np.stack([random_image(24, 31, seed=seed) for seed in range(3)])
    one, two = Predictor(model, VIEWS), Predictor(model, VIEWS, TWO)
    assert two.replicas == 2
    np.testing.assert_allclose(two.probabilities(images), one.probabilities(images), atol=1e-6)
    np.testing.assert_array_equal(two.classes(images), one.classes(images))


def test_a_whole_network_is_copied_to_two_devices():
    with tiny_backbone():
        model = EfficientFCN(
            "tiny", 3, num_codewords=4, fusion_filters=8, codeword_filters=8, backbone_weights=None
        )
    images = np.stack([random_image(40, 56, seed=seed) for seed in range(2)])
    one, two = predict(model, images[1], probabilities=True), Predictor(model, devices=TWO)
    np.testing.assert_allclose(two.probabilities(images)[1], one, atol=1e-5)


def test_the_scope_of_a_strategy_does_not_matter():
    model, image = random_model(), random_image(20, 30)
    with two_replicas().scope():
        inside = predict(model, image)
    np.testing.assert_array_equal(inside, predict(random_model(), image))


def test_a_model_of_one_size_takes_that_size_alone():
    images = keras.Input((24, 32, 3))
    model = keras.Model(images, keras.layers.Conv2D(3, 1, name="logits")(images))
    assert predict(model, random_image(24, 32)).shape == (24, 32)
    with pytest.raises(KerassegError, match=r"shape \(32, 24, 3\), where the model takes \(24, 32"):
        predict(model, random_image(32, 24))
    for protocol in (VIEWS, Protocol(tile=32)):
        with pytest.raises(KerassegError, match="images of 24x32 alone, and scales and tiles"):
            predict(model, random_image(24, 32), protocol)


def test_a_model_follows_its_weights_and_is_saved_without_what_it_keeps(tmp_path):
    model, image = reads_green(), random_image(20, 30)
    before = predict(model, image)
    model.set_weights([-weights for weights in model.get_weights()])
    after = predict(model, image)
    assert (before != after).any()
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        predict(keras.models.load_model(tmp_path / "model.keras"), image), after
    )


def test_several_views_need_to_know_what_the_model_gives():
    model = reads_green(name="scores")
    assert predict(model, random_image(8, 8)).shape == (8, 8)
    with pytest.raises(KerassegError, match="named 'scores'; name it 'logits' or 'probabilities'"):
        predict(model, random_image(8, 8), VIEWS)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((8, 8), np.uint8), r"shape \(8, 8\), where the model takes \(None, None, 3\)"),
        (np.zeros((8, 8, 1), np.uint8), r"shape \(8, 8, 1\), .* a grey image three times"),
        (np.zeros((8, 8, 4), np.uint8), r"shape \(8, 8, 4\), .* leave out alpha"),
        (np.full((8, 8, 3), 999, np.uint16), "received uint16, 999 to 999. Divide 16-bit values"),
        (np.full((8, 8, 3), 4e4, np.float32), r"of 0\.\.255; received float32, 40000.0 to 40000.0"),
        (
            np.full((8, 8, 3), -1.0),
            r"received float64, -1.0 to -1.0\. .* scale or clip others",
        ),
        (np.full((8, 8, 3), -1, np.int8), "received int8, -1 to -1"),
        (np.full((8, 8, 3), np.nan), "received float64, nan to nan"),
        (np.zeros((0, 8, 3), np.uint8), r"shape \(0, 8, 3\)"),
    ],
)
def test_what_is_no_image_for_the_model_is_refused(image, message):
    with pytest.raises(KerassegError, match=message):
        predict(reads_green(), image)


def test_what_interpolation_rounds_is_accepted():
    image = random_image(8, 8).astype(np.float32)
    image[0] = np.nextafter(np.float32(255), np.float32(256))
    image[1] = -1e-5
    assert predict(reads_green(), image).shape == (8, 8)
