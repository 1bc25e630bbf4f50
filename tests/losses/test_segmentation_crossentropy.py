import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.losses import SegmentationCrossentropy
from tests.losses.statements import VOID, WEIGHTS, crossentropy, draw


def test_an_ignore_label_beyond_uint8_does_not_make_255_void():
    many = np.zeros((1, 1, 2, 300), np.float32)
    labels = np.array([[[255, 7]]], np.uint8)
    loss = SegmentationCrossentropy(ignore_label=65535)
    many[0, 0, 0, 255] = 5.0
    both, second = np.log(300 - 1 + np.exp(5)) - 5, np.log(300)
    assert loss.call(tf.constant(labels), tf.constant(many)).numpy() == pytest.approx(
        [(both + second) / 2], rel=1e-5
    )


def test_a_single_channel_is_refused():
    images, labels = np.zeros((2, 4, 4, 3), np.float32), np.zeros((2, 4, 4), np.int32)
    loss = SegmentationCrossentropy()
    with pytest.raises(KerassegError, match=r"num_classes=2, or take keras.losses.BinaryCross"):
        loss(labels, images[..., :1])
    model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Conv2D(1, 1)])
    model.compile("sgd", loss)
    with pytest.raises(KerassegError, match="at least 2 channels"):
        model.fit(images, labels, verbose=0)


def test_every_image_counts_by_its_valid_pixels():
    """Keras' own loss would average within an image or a replica first."""
    labels, logits = draw(3, (2, 4, 4))
    labels[1, 1:] = VOID
    whole = float(SegmentationCrossentropy()(labels, logits))
    counts = [(image != VOID).sum() for image in labels]
    each = [crossentropy(labels[n], logits[n]) for n in (0, 1)]
    assert whole == pytest.approx(np.average(each, weights=counts), rel=1e-5)


def test_its_config_makes_it_again():
    loss = SegmentationCrossentropy(11, WEIGHTS, name="mine")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(again, SegmentationCrossentropy)
    assert again.get_config() == loss.get_config()
    assert (again.ignore_label, again.class_weights, again.name) == (11, WEIGHTS, "mine")
