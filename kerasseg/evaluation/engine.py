"""Running a model over whole images."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from kerasseg.evaluation.metrics import MeanIoU, image_confusions
from kerasseg.label_set import LabelSet


def confusion_matrix(
    model: keras.Model, batches: tf.data.Dataset, labels: LabelSet, progress: bool = False
) -> np.ndarray:
    """Returns the confusion matrix of a model over a data set, void left out.

    Args:
        model: Pixels `(N, H, W, 3)` to logits or probabilities `(N, H, W, C)`.
        batches: `(image, label)` as `kerasseg.data.evaluation_batches` gives them.
        labels: The classes and the void label.
        progress: Whether a bar is shown.

    Returns:
        int64 `(C, C)`, pixels of true class i predicted as class j at `[i, j]`.

    Raises:
        tf.errors.OpError: If a file of the batches is missing or cannot be decoded.

    Example:
        >>> from kerasseg.data import evaluation_batches, find_pairs, shapes
        >>> pairs = find_pairs(shapes.ensure("shapes", train=2, val=1), "val")
        >>> batches = evaluation_batches(pairs, shapes.LABELS, batch_size=1)
        >>> images = keras.Input((None, None, 3))
        >>> model = keras.Model(images, keras.layers.Conv2D(8, 3, padding="same")(images))
        >>> confusion_matrix(model, batches, shapes.LABELS).shape
        (8, 8)
    """
    from tqdm import tqdm

    metric = MeanIoU(labels.num_classes, labels.ignore_label)

    @tf.function(reduce_retracing=True)
    def count(images: tf.Tensor, truth: tf.Tensor) -> None:
        metric.update_state(truth, model(tf.cast(images, tf.float32), training=False))

    for images, truth in tqdm(batches, desc="evaluating", unit="batch", disable=not progress):
        count(images, truth)
    return np.asarray(metric.confusion).astype(np.int64)


@dataclass(frozen=True)
class Evaluation:
    """How a model did on each image of a data set.

    Attributes:
        confusion: Pixels of true class i predicted as class j at `[i, j]`, int64 `(C, C)`.
        numbers: The place of each image in its split, int64 `(N,)`.
        overlap: Pixels of each image that are of a class and predicted so, int64 `(N, C)`.
        union: Pixels of each image that are of a class or predicted so, int64 `(N, C)`.

    Example:
        >>> counts = np.array([[3, 1]]), np.array([[4, 4]])
        >>> Evaluation(np.array([[3, 1], [2, 1]]), np.array([0]), *counts).image_iou
        array([0.5])
    """

    confusion: np.ndarray
    numbers: np.ndarray
    overlap: np.ndarray
    union: np.ndarray

    @property
    def image_iou(self) -> np.ndarray:
        """Mean IoU of each image over the classes in its truth or prediction, float64 `(N,)`.

        NaN for an image that is all void.
        """
        occurs = self.union > 0
        ious = np.divide(self.overlap, self.union, out=np.zeros(occurs.shape), where=occurs)
        count = occurs.sum(axis=1)
        return np.divide(ious.sum(axis=1), count, out=np.full(len(ious), np.nan), where=count > 0)


def evaluate_images(
    model: keras.Model, batches: tf.data.Dataset, labels: LabelSet, progress: bool = False
) -> Evaluation:
    """Returns the counts of a model over a data set, for each image, void left out.

    Args:
        model: Pixels `(N, H, W, 3)` to logits or probabilities `(N, H, W, C)`.
        batches: `(image, label, number)` as `kerasseg.data.evaluation_batches` gives them with
            `numbered=True`.
        labels: The classes and the void label.
        progress: Whether a bar is shown.

    Raises:
        tf.errors.OpError: If a file of the batches is missing or cannot be decoded.

    Example:
        >>> from kerasseg.data import evaluation_batches, find_pairs, shapes
        >>> pairs = find_pairs(shapes.ensure("shapes", train=2, val=1), "val")
        >>> batches = evaluation_batches(pairs, shapes.LABELS, batch_size=1, numbered=True)
        >>> images = keras.Input((None, None, 3))
        >>> model = keras.Model(images, keras.layers.Conv2D(8, 3, padding="same")(images))
        >>> evaluate_images(model, batches, shapes.LABELS).image_iou.shape
        (1,)
    """
    from tqdm import tqdm

    count = _image_counter(model, labels)
    total = np.zeros((labels.num_classes, labels.num_classes), np.int64)
    parts = []
    for images, truth, number in tqdm(
        batches, desc="evaluating", unit="batch", disable=not progress
    ):
        confusion, overlap, union = (part.numpy() for part in count(images, truth))
        total += confusion
        real = number.numpy() >= 0
        parts.append((number.numpy()[real], overlap[real], union[real]))
    return Evaluation(total, *(np.concatenate(column) for column in zip(*parts, strict=True)))


def _image_counter(
    model: keras.Model, labels: LabelSet
) -> Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
    """Returns a function of images and truth to confusion of all, overlap and union of each."""

    @tf.function(reduce_retracing=True)
    def count(images: tf.Tensor, truth: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        logits = model(tf.cast(images, tf.float32), training=False)
        matrices = image_confusions(truth, logits, labels.ignore_label)
        overlap = tf.linalg.diag_part(matrices)
        union = tf.reduce_sum(matrices, axis=1) + tf.reduce_sum(matrices, axis=2) - overlap
        return tf.reduce_sum(matrices, axis=0), overlap, union

    return count


def predict(model: keras.Model, image: np.ndarray) -> np.ndarray:
    """Returns the class of every pixel of one image.

    Args:
        model: Pixels `(N, H, W, 3)` to logits or probabilities `(N, H, W, C)`.
        image: `(H, W, 3)`, RGB 0..255, uint8 or float.

    Returns:
        int32 `(H, W)`, class numbers.

    Raises:
        ValueError: If the model does not take an image of this shape.

    Example:
        >>> import kerasseg
        >>> model = kerasseg.EfficientFCN("mobilenetv2", 5, backbone_weights=None)
        >>> predict(model, np.zeros((33, 47, 3), "uint8")).shape
        (33, 47)
    """
    logits = model(np.asarray(image, np.float32)[None], training=False)
    return np.asarray(tf.argmax(logits[0], axis=-1, output_type=tf.int32))
