"""Metrics over label maps, streaming and void-aware."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerasseg.errors import KerassegError


@keras.saving.register_keras_serializable(package="kerasseg")
class MeanIoU(keras.metrics.Metric):
    """Mean intersection over union, from a confusion matrix over all valid pixels.

    A class's IoU is `TP / (TP + FP + FN)` over the whole data set, and the mean is over the
    classes that occur in the truth or the prediction; the others have no IoU. The one matrix
    is summed over replicas, so the result does not depend on how images are dealt out.

    Call arguments:
        y_true: Labels `(N, H, W)` or `(N, H, W, 1)`, any integer dtype.
        y_pred: Logits or probabilities `(N, H, W, C)`.

    Args:
        num_classes: C, at least 2.
        ignore_label: The label of void pixels, which are skipped.

    Raises:
        KerassegError: If `num_classes` is below 2, or `y_pred` has not so many channels.
        tf.errors.InvalidArgumentError: By a batch with a label that is neither class nor void.

    Example:
        >>> metric = MeanIoU(2)
        >>> metric.update_state(np.array([[[0, 1, 255]]]), np.eye(2)[[[[0, 1, 1]]]])
        >>> float(metric.result())
        1.0
    """

    def __init__(
        self,
        num_classes: int,
        ignore_label: int = 255,
        name: str = "mean_iou",
        dtype: str | None = None,
    ) -> None:
        if num_classes < 2:
            raise KerassegError(
                f"MeanIoU takes at least 2 classes, received num_classes={num_classes}: a mask of "
                "one thing has two, the background and the thing.\n"
                "For one channel of probabilities there is keras.metrics.BinaryIoU."
            )
        super().__init__(name=name, dtype=dtype)
        self.num_classes = num_classes
        self.ignore_label = ignore_label
        # float32 would stop counting at 2^24 pixels, which is 56 images of CamVid.
        self.confusion = self.add_variable(
            (num_classes, num_classes),
            initializer="zeros",
            dtype="float64",
            aggregation="sum",
            name="confusion",
        )

    def update_state(
        self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> None:
        """Counts a batch; `sample_weight` is not taken, since pixels are counted whole.

        Raises:
            ValueError: If `sample_weight` is given.
        """
        if sample_weight is not None:
            raise ValueError("MeanIoU counts pixels; mark those to be skipped as void instead.")
        channels = y_pred.shape[-1]
        if channels not in (None, self.num_classes):
            raise KerassegError(
                f"MeanIoU of num_classes={self.num_classes} received y_pred of {channels} "
                "channels; give it the model's number of classes."
            )
        predicted = tf.argmax(y_pred, axis=-1, output_type=tf.int32)
        # In int32: uint8 could not hold every ignore label.
        self._count(tf.reshape(tf.cast(y_true, tf.int32), [-1]), tf.reshape(predicted, [-1]))

    def _count(self, truth: tf.Tensor, predicted: tf.Tensor) -> None:
        valid = tf.not_equal(truth, self.ignore_label)
        known = _assert_known(tf.where(valid, truth, 0), self.num_classes, self.ignore_label)
        # Void goes to a place of its own behind the matrix, which is cut off.
        outside = self.num_classes**2
        place = tf.where(valid, truth * self.num_classes + predicted, outside)
        # On a GPU the operation refuses to run where deterministic ones are asked for.
        with tf.device("CPU"), tf.control_dependencies([known]):
            counts = _counts(place, outside + 1)
        matrix = tf.reshape(counts[:outside], (self.num_classes, self.num_classes))
        self.confusion.assign_add(tf.cast(matrix, tf.float64))

    def result(self) -> tf.Tensor:
        """Returns the mean IoU, 0..1; 0 where nothing was counted."""
        confusion = tf.convert_to_tensor(self.confusion)
        overlap = tf.linalg.diag_part(confusion)
        union = tf.reduce_sum(confusion, axis=0) + tf.reduce_sum(confusion, axis=1) - overlap
        occurs = tf.cast(union > 0, tf.float64)
        total = tf.reduce_sum(tf.math.divide_no_nan(overlap, union))
        return tf.cast(tf.math.divide_no_nan(total, tf.reduce_sum(occurs)), tf.float32)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the metric."""
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "ignore_label": self.ignore_label,
        }


def _assert_known(classes: tf.Tensor, num_classes: int, ignore_label: int) -> tf.Operation | None:
    """Stops at a label that would be counted in another place, or nowhere."""
    smallest, largest = tf.reduce_min(classes), tf.reduce_max(classes)
    return tf.debugging.Assert(
        tf.logical_and(smallest >= 0, largest < num_classes),
        [
            f"MeanIoU received a label that is neither a class, [0, {num_classes}), nor "
            f"void, {ignore_label}; the smallest and the largest beside void:",
            smallest,
            largest,
        ],
    )


def _counts(places: tf.Tensor, size: int | tf.Tensor) -> tf.Tensor:
    """Returns how often each of the numbers below `size` occurs, int32 `(size,)`.

    Unlike `tf.math.bincount` it can be compiled by XLA where `size` is a plain number.
    """
    return tf.raw_ops.DenseBincount(
        input=places, size=size, weights=tf.constant([], tf.int32), binary_output=False
    )


def image_confusions(truth: tf.Tensor, logits: tf.Tensor, ignore_label: int) -> tf.Tensor:
    """Returns the confusion matrix of each image, int64 `(N, C, C)`, void left out.

    Args:
        truth: Labels `(N, H, W)`, any integer dtype.
        logits: Logits or probabilities `(N, H, W, C)`.
        ignore_label: The label of void pixels.

    Raises:
        tf.errors.InvalidArgumentError: For a label that is neither class nor void.

    Example:
        >>> truth, logits = np.array([[[0, 1, 255]]]), np.eye(2)[[[[0, 0, 1]]]]
        >>> image_confusions(truth, logits, 255).numpy().tolist()
        [[[1, 0], [1, 0]]]
    """
    classes = logits.shape[-1]
    truth = tf.cast(truth, tf.int32)
    images = tf.shape(truth)[0]
    valid = tf.not_equal(truth, ignore_label)
    predicted = tf.argmax(logits, axis=-1, output_type=tf.int32)
    with tf.control_dependencies([_assert_known(tf.where(valid, truth, 0), classes, ignore_label)]):
        first = tf.range(images)[:, None, None] * classes**2
        # Void goes to a place of its own behind the matrices, which is cut off.
        place = tf.where(valid, first + truth * classes + predicted, images * classes**2)
    size = images * classes**2 + 1
    with tf.device("CPU"):  # on a GPU the operation is not deterministic
        counts = _counts(tf.reshape(place, [-1]), size)
    return tf.cast(tf.reshape(counts[:-1], (images, classes, classes)), tf.int64)


def class_iou(confusion: np.ndarray) -> np.ndarray:
    """Returns the IoU of every class, float64 `(C,)`, NaN for a class that does not occur.

    Args:
        confusion: `(C, C)`, pixels of true class i predicted as class j at `[i, j]`.

    Example:
        >>> class_iou(np.array([[3, 1], [0, 4]])).round(2)
        array([0.75, 0.8 ])
    """
    overlap = np.diag(confusion).astype(np.float64)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - overlap
    return np.divide(overlap, union, out=np.full_like(overlap, np.nan), where=union > 0)


def row_shares(confusion: np.ndarray) -> np.ndarray:
    """Returns each row of a confusion matrix as shares of the true class, float64 `(C, C)`.

    Args:
        confusion: `(C, C)`, pixels of true class i predicted as class j at `[i, j]`.

    Returns:
        0..1; a row of zeros for a class that does not occur in the truth.

    Example:
        >>> row_shares(np.array([[3, 1], [0, 0]])).tolist()
        [[0.75, 0.25], [0.0, 0.0]]
    """
    return confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)


def iou_table(class_names: Sequence[str], confusion: np.ndarray) -> str:
    """Returns one line a class with its IoU and share of pixels, and the mean in the last line.

    Args:
        class_names: C names.
        confusion: `(C, C)`, pixels of true class i predicted as class j at `[i, j]`.

    Raises:
        ValueError: If the number of names is not C.

    Example:
        >>> print(iou_table(("road", "car"), np.array([[3, 1], [0, 4]])))
        class   IoU    pixels
        road    0.750   50.0 %
        car     0.800   50.0 %
        mean IoU 0.775
    """
    width = max(len("class"), *(len(name) for name in class_names))
    shares = 100 * confusion.sum(axis=1) / max(confusion.sum(), 1)
    lines = [f"{'class':{width}}   IoU    pixels"]
    for name, iou, share in zip(class_names, class_iou(confusion), shares, strict=True):
        shown = "  -  " if np.isnan(iou) else f"{iou:.3f}"
        lines.append(f"{name:{width}}   {shown}  {share:5.1f} %")
    return "\n".join([*lines, f"mean IoU {mean_iou(confusion):.3f}"])


def mean_iou(confusion: np.ndarray) -> float:
    """Returns the mean IoU over the classes that occur in the truth or the prediction.

    Args:
        confusion: `(C, C)`, pixels of true class i predicted as class j at `[i, j]`.

    Returns:
        0..1; 0 where nothing was counted.

    Example:
        >>> mean_iou(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]]))
        0.775
    """
    ious = class_iou(confusion)
    return float(np.nanmean(ious)) if np.isfinite(ious).any() else 0.0
