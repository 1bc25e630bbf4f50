import keras
import numpy as np
import tensorflow as tf

from kerasseg import data
from kerasseg.evaluation import confusion_matrix, evaluate_images, predict
from tests.data.files import LABELS, write_folder


def reads_green():
    """A model that is right: `write_folder` paints class n with a green of 100 n."""
    images = keras.Input((None, None, 3))
    layer = keras.layers.Conv2D(3, 1, name="logits")
    model = keras.Model(images, layer(images))
    slopes, offsets = np.zeros((1, 1, 3, 3)), -((100.0 * np.arange(3)) ** 2)
    slopes[0, 0, 1] = 2 * 100 * np.arange(3)
    layer.set_weights([slopes, offsets])
    return model


def test_a_perfect_model_has_a_diagonal_matrix(tmp_path):
    pairs = write_folder(tmp_path, [(40, 48), (33, 47), (40, 48)])
    batches = data.evaluation_batches(pairs, LABELS, batch_size=2)
    labels = np.concatenate([data.read_pair(pair)[1].ravel() for pair in pairs])
    confusion = confusion_matrix(reads_green(), batches, LABELS)
    assert confusion.dtype == np.int64
    np.testing.assert_array_equal(confusion, np.diag(np.bincount(labels)[:3]))


def test_images_that_are_all_void_add_nothing(tmp_path):
    pairs = write_folder(tmp_path, [(40, 48)] * 3)
    plain = data.evaluation_batches(pairs, LABELS, batch_size=2)
    padded = data.evaluation_batches(pairs, LABELS, batch_size=2, pad_to_multiple=2)
    np.testing.assert_array_equal(
        *(confusion_matrix(reads_green(), batches, LABELS) for batches in (plain, padded))
    )


def test_prediction_is_the_class_of_every_pixel(tmp_path):
    (pair,) = write_folder(tmp_path, [(33, 47)])
    image, label = data.read_pair(pair)
    classes = predict(reads_green(), image)
    assert classes.dtype == np.int32
    np.testing.assert_array_equal(classes[label != 255], label[label != 255])


def test_evaluation_runs_as_inference():
    images = keras.Input((None, None, 3))
    drop = keras.layers.Dropout(0.9)(keras.layers.BatchNormalization()(images))
    model = keras.Model(images, drop)
    ones = tf.data.Dataset.from_tensors((np.ones((1, 4, 4, 3), np.uint8), np.zeros((1, 4, 4))))
    before = [variable.numpy() for variable in model.variables]
    confusion_matrix(model, ones, LABELS)
    predict(model, np.ones((4, 4, 3), np.uint8))
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_the_counts_of_each_image(tmp_path):
    sizes = [(40, 48), (33, 47), (40, 48), (40, 48)]
    pairs = write_folder(tmp_path, sizes)
    batches = data.evaluation_batches(pairs, LABELS, batch_size=2, pad_to_multiple=2, numbered=True)
    found = evaluate_images(wrong_below(10), batches, LABELS)
    plain = data.evaluation_batches(pairs, LABELS, batch_size=3)
    np.testing.assert_array_equal(found.confusion, confusion_matrix(wrong_below(10), plain, LABELS))
    assert sorted(found.numbers) == [0, 1, 2, 3]
    for number, overlap, union, iou in zip(
        found.numbers, found.overlap, found.union, found.image_iou, strict=True
    ):
        image, truth = data.read_pair(pairs[number])
        predicted, seen = predict(wrong_below(10), image), truth != 255
        both = [np.sum(seen & (truth == c) & (predicted == c)) for c in range(3)]
        either = [np.sum(seen & ((truth == c) | (predicted == c))) for c in range(3)]
        np.testing.assert_array_equal(overlap, both)
        np.testing.assert_array_equal(union, either)
        shares = [b / e for b, e in zip(both, either, strict=True) if e]
        assert iou == np.mean(shares)


def test_an_image_of_nothing_but_void_has_no_score():
    images, void = np.zeros((1, 4, 4, 3), np.uint8), np.full((1, 4, 4), 255)
    batches = tf.data.Dataset.from_tensors((images, void, np.array([0])))
    assert np.isnan(evaluate_images(reads_green(), batches, LABELS).image_iou).all()


def wrong_below(row):
    """`reads_green`, but for rows from `row` on, where everything is class 0."""
    right = reads_green()
    inputs = keras.Input((None, None, 3))
    return keras.Model(inputs, _Rows(row)(right(inputs)))


class _Rows(keras.layers.Layer):
    def __init__(self, row):
        super().__init__()
        self.row = row

    def call(self, logits):
        below = (tf.range(tf.shape(logits)[1]) >= self.row)[None, :, None, None]
        return tf.where(below, tf.one_hot(tf.zeros(tf.shape(logits)[:3], tf.int32), 3), logits)
