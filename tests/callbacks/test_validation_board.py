import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from kerasseg.callbacks import ValidationBoard
from kerasseg.evaluation import MeanIoU
from kerasseg.label_set import LabelSet

LABELS = LabelSet(("soil", "leaf"))


@pytest.fixture
def shown(tmp_path):
    """What TensorBoard shows of two epochs with a validation after the second."""
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(2, 1)(inputs))
    model.compile(
        "sgd",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[MeanIoU(2)],
    )
    images = np.random.default_rng(0).integers(0, 255, (2, 40, 50, 3)).astype(np.float32)
    truth = np.zeros((2, 40, 50), np.int32)
    examples = [
        (images[0].astype(np.uint8), truth[0]),
        (np.zeros((33, 47, 3), np.uint8), truth[0][:33, :47]),
    ]
    board = ValidationBoard(model, tmp_path, examples, LABELS)
    batch = tf.data.Dataset.from_tensors((images, truth))
    model.fit(
        batch, validation_data=batch, validation_freq=[2], epochs=2, callbacks=[board], verbose=0
    )
    events = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0, "images": 0})
    return events.Reload()


def pictures(events, name):
    return {
        event.step: tf.io.decode_image(event.tensor_proto.string_val[2]).shape
        for event in events.Tensors(name)
    }


def test_the_same_images_after_every_epoch(shown):
    first, second = (pictures(shown, f"image {number}") for number in (0, 1))
    assert list(first) == list(second) == [0, 1]
    assert first[0] == first[1] != second[0]


def test_the_confusion_matrix_of_each_validation(shown):
    assert {step: tuple(shape) for step, shape in pictures(shown, "confusion matrix").items()} == {
        1: (480, 480, 1)
    }
