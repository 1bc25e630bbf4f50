import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from kerasseg.callbacks import ValidationBoard
from kerasseg.evaluation import MeanIoU, predict
from kerasseg.label_set import LabelSet
from kerasseg.visualization import side_by_side

LABELS = LabelSet(("soil", "leaf"))


IMAGES = np.random.default_rng(0).integers(0, 255, (2, 40, 50, 3)).astype(np.float32)
TRUTH = np.random.default_rng(1).integers(0, 2, (2, 40, 50)).astype(np.int32)


@pytest.fixture
def trained(tmp_path):
    """A model after two epochs with a validation after the second, and what TensorBoard shows."""
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(2, 1)(inputs))
    # It tells red from green, and learns too little to forget that.
    model.set_weights([np.array([[[[1, 0], [0, 1], [0, 0]]]], np.float32), np.zeros(2)])
    model.compile(
        keras.optimizers.SGD(1e-6),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[MeanIoU(2)],
    )
    examples = [
        (IMAGES[0].astype(np.uint8), TRUTH[0]),
        (np.zeros((33, 47, 3), np.uint8), TRUTH[0][:33, :47]),
    ]
    board = ValidationBoard(model, tmp_path, examples, LABELS)
    batch = tf.data.Dataset.from_tensors((IMAGES, TRUTH))
    model.fit(
        batch, validation_data=batch, validation_freq=[2], epochs=2, callbacks=[board], verbose=0
    )
    events = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0, "images": 0})
    return model, events.Reload()


@pytest.fixture
def shown(trained):
    return trained[1]


def pictures(events, name):
    """Returns the pictures of a tag by their step, uint8 `(H, W, C)`."""
    return {
        event.step: tf.io.decode_image(event.tensor_proto.string_val[2]).numpy()
        for event in events.Tensors(name)
    }


def test_the_same_images_after_every_epoch(shown):
    first, second = (pictures(shown, f"image {number}") for number in (0, 1))
    assert list(first) == list(second) == [0, 1]
    assert first[0].shape == first[1].shape != second[0].shape


def test_an_image_stands_beside_its_truth_and_what_the_model_says_of_it(trained):
    model, events = trained
    image = IMAGES[0].astype(np.uint8)
    said = model.predict(image[np.newaxis].astype(np.float32), verbose=0)[0].argmax(-1)
    assert 0 < said.mean() < 1
    expected = side_by_side(image, TRUTH[0], said, LABELS).convert("RGB")
    np.testing.assert_array_equal(pictures(events, "image 0")[1], np.asarray(expected))


def test_the_confusion_matrix_of_each_validation(trained):
    model, events = trained
    said = model.predict(IMAGES, verbose=0).argmax(-1)
    counts = np.array([[np.sum((i == TRUTH) & (said == j)) for j in (0, 1)] for i in (0, 1)])
    grey = np.round(255 * (1 - counts / counts.sum(axis=1, keepdims=True)))
    shown = pictures(events, "confusion matrix")
    assert list(shown) == [1]
    assert shown[1].shape == (480, 480, 1)
    np.testing.assert_array_equal(shown[1][120::240, 120::240, 0], grey)


def test_what_is_predicted_afterwards_is_compiled_already(trained, monkeypatch):
    def compile_again(*_):
        raise AssertionError("a second predictor of the same model")

    monkeypatch.setattr("kerasseg.evaluation.inference.kept_predictors.Predictor", compile_again)
    model, _ = trained
    assert predict(model, IMAGES[0]).shape == TRUTH[0].shape
