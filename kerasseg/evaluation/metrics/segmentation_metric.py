"""What every metric over label maps does: void, checks, sums over batches and replicas."""

from abc import ABC, abstractmethod
from typing import Any

import keras
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.evaluation.metrics.class_scores import Absent, Parts, absent_score
from kerasseg.evaluation.metrics.counting import (
    Labels,
    bin_counts,
    predicted_classes,
    read_labels,
)


class SegmentationMetric(keras.metrics.Metric, ABC):
    """A metric that is a function of sums over the pixels that are not void.

    Args:
        num_classes: C, at least 2.
        ignore_label: The label of void pixels, which are skipped.
        name: Name of the metric.
        dtype: As Keras takes it; the sums are float64 in any case.

    Raises:
        KerassegError: If `num_classes` is below 2, or `y_pred` has not so many channels.
        tf.errors.InvalidArgumentError: By a batch with a label that is neither class nor void. XLA
            leaves such checks out: in a compiled step (`jit_compile`) those pixels are not counted.
    """

    def __init__(self, num_classes: int, ignore_label: int, name: str, dtype: str | None) -> None:
        if num_classes < 2:
            raise KerassegError(
                f"{type(self).__name__} takes at least 2 classes, received "
                f"num_classes={num_classes}: a mask of one thing has two, the background and the "
                "thing.\nFor one channel of probabilities there is keras.metrics.BinaryIoU."
            )
        super().__init__(name=name, dtype=dtype)
        self.num_classes = num_classes
        self.ignore_label = ignore_label

    def sums(self, name: str, shape: tuple[int, ...]) -> keras.Variable:
        """Returns a variable of sums, which is summed over replicas when it is read."""
        # float32 would stop counting at 2^24 pixels, which is 56 images of CamVid.
        return self.add_variable(
            shape, initializer="zeros", dtype="float64", aggregation="sum", name=name
        )

    @abstractmethod
    def count(self, labels: Labels, y_pred: tf.Tensor) -> None:
        """Adds what a batch holds to the sums.

        Args:
            labels: Of the batch.
            y_pred: `(N, H, W, C)`, any values where the labels are void.
        """

    def update_state(
        self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> None:
        """Counts a batch; `sample_weight` is not taken, since pixels are counted whole.

        Raises:
            ValueError: If `sample_weight` is given.
        """
        kind = type(self).__name__
        if sample_weight is not None:
            raise ValueError(f"{kind} counts pixels; mark those to be skipped as void instead.")
        channels = y_pred.shape[-1]
        if channels not in (None, self.num_classes):
            raise KerassegError(
                f"{kind} of num_classes={self.num_classes} received y_pred of {channels} "
                "channels; give it the model's number of classes."
            )
        self.count(read_labels(y_true, self.num_classes, self.ignore_label), y_pred)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the metric."""
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "ignore_label": self.ignore_label,
        }


class ClassMetric(SegmentationMetric):
    """A metric that is the mean of a score of each class.

    Args:
        num_classes: As for `SegmentationMetric`, with the other arguments.
        ignore_label: As above.
        name: As above.
        dtype: As above.
        absent: How a class counts that does not occur.

    Raises:
        KerassegError: Also if `absent` is unknown.
    """

    def __init__(
        self,
        num_classes: int,
        ignore_label: int,
        name: str,
        dtype: str | None,
        absent: Absent = "skip",
    ) -> None:
        absent_score(absent)
        super().__init__(num_classes, ignore_label, name, dtype)
        self.absent = absent

    @abstractmethod
    def class_parts(self) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns numerator and denominator of each score and whether the class occurs, `(C,)`."""

    def class_scores(self) -> tf.Tensor:
        """Returns the score of each class, float64 `(C,)`, NaN for one that is skipped."""
        numerator, denominator, occurs = self.class_parts()
        absent = tf.constant(absent_score(self.absent), tf.float64)
        return tf.where(occurs, tf.math.divide_no_nan(numerator, denominator), absent)

    def result(self) -> tf.Tensor:
        """Returns the mean over the classes, 0..1; 0 where every class is skipped."""
        scores = self.class_scores()
        known = tf.logical_not(tf.math.is_nan(scores))
        total = tf.reduce_sum(tf.where(known, scores, 0.0))
        count = tf.reduce_sum(tf.cast(known, tf.float64))
        return tf.cast(tf.math.divide_no_nan(total, count), tf.float32)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the metric."""
        return {**super().get_config(), "absent": self.absent}


class ConfusionMetric(SegmentationMetric):
    """A metric that is a function of the confusion matrix over all valid pixels.

    Attributes:
        confusion: float64 `(C, C)`, pixels of true class i predicted as class j at `[i, j]`.
    """

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.confusion = self.sums("confusion", (self.num_classes, self.num_classes))

    def count(self, labels: Labels, y_pred: tf.Tensor) -> None:
        """Adds the confusion matrix of a batch."""
        # Void goes to a place of its own behind the matrix, which is cut off.
        outside = self.num_classes**2
        place = labels.classes * self.num_classes + predicted_classes(y_pred)
        place = tf.where(labels.valid, place, outside)
        counts = bin_counts(tf.reshape(place, [-1]), outside + 1)[:outside]
        matrix = tf.reshape(counts, (self.num_classes, self.num_classes))
        self.confusion.assign_add(tf.cast(matrix, tf.float64))

    def parts_of(self, parts: Parts) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns numerator and denominator of a score of each class, `(C,)`."""
        confusion = tf.convert_to_tensor(self.confusion)
        truth, predicted = tf.reduce_sum(confusion, axis=1), tf.reduce_sum(confusion, axis=0)
        return parts(tf.linalg.diag_part(confusion), truth, predicted)
