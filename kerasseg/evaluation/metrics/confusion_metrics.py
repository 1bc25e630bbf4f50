"""Metrics for `compile` that are functions of one confusion matrix."""

import keras
import tensorflow as tf

from kerasseg.evaluation.metrics.class_scores import (
    Absent,
    Parts,
    accuracy_parts,
    dice_parts,
    iou_parts,
)
from kerasseg.evaluation.metrics.segmentation_metric import ClassMetric, ConfusionMetric


class _ClassMean(ConfusionMetric, ClassMetric):
    """The mean over the classes of a quotient of numbers of pixels."""

    parts: Parts

    def class_parts(self) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns numerator and denominator of each score and whether the class occurs, `(C,)`."""
        numerator, denominator = self.parts_of(type(self).parts)
        return numerator, denominator, denominator > 0


@keras.saving.register_keras_serializable(package="kerasseg")
class MeanIoU(_ClassMean):
    """Mean intersection over union, from a confusion matrix over all valid pixels.

    A class's IoU is `TP / (TP + FP + FN)` over the whole data set. The mean is over the classes
    that occur in the truth or the prediction; the others have no IoU unless `absent` gives them
    one. The one matrix is summed over replicas, so the result does not depend on how images are
    dealt out. `class_scores()` has the IoU of each class.

    Call arguments:
        y_true: Labels `(N, H, W)` or `(N, H, W, 1)`, any integer dtype.
        y_pred: Logits or probabilities `(N, H, W, C)`.

    Args:
        num_classes: C, at least 2.
        ignore_label: The label of void pixels, which are skipped.
        name: Name of the metric.
        dtype: As Keras takes it; pixels are counted in float64 in any case.
        absent: How a class counts that occurs in neither truth nor prediction: not at all
            (`"skip"`), as 1 (`"one"`) or as 0 (`"zero"`).

    Raises:
        KerassegError: If `num_classes` is below 2, `absent` is unknown, or `y_pred` has not so many
            channels.
        tf.errors.InvalidArgumentError: By a batch with a label that is neither class nor void.

    Example:
        >>> import numpy as np
        >>> metric = MeanIoU(2)
        >>> metric.update_state(np.array([[[0, 1, 1, 255]]]), np.eye(2)[[[[0, 1, 0, 1]]]])
        >>> float(metric.result())
        0.5
    """

    parts = staticmethod(iou_parts)

    def __init__(
        self,
        num_classes: int,
        ignore_label: int = 255,
        name: str = "mean_iou",
        dtype: str | None = None,
        *,
        absent: Absent = "skip",
    ) -> None:
        super().__init__(num_classes, ignore_label, name, dtype, absent)


@keras.saving.register_keras_serializable(package="kerasseg")
class MeanDice(_ClassMean):
    """Mean Dice coefficient, from a confusion matrix over all valid pixels.

    A class's coefficient is `2 TP / (2 TP + FP + FN)` over the whole data set, as `class_dice`
    says; `class_scores()` has that of each class.

    Call arguments:
        y_true: Labels `(N, H, W)` or `(N, H, W, 1)`, any integer dtype.
        y_pred: Logits or probabilities `(N, H, W, C)`.

    Args:
        num_classes: C, at least 2.
        ignore_label: The label of void pixels, which are skipped.
        name: Name of the metric.
        dtype: As Keras takes it; pixels are counted in float64 in any case.
        absent: How a class counts that occurs in neither truth nor prediction: not at all
            (`"skip"`), as 1 (`"one"`) or as 0 (`"zero"`).

    Raises:
        KerassegError: If `num_classes` is below 2, `absent` is unknown, or `y_pred` has not so many
            channels.
        tf.errors.InvalidArgumentError: By a batch with a label that is neither class nor void.

    Example:
        >>> import numpy as np
        >>> metric = MeanDice(2)
        >>> metric.update_state(np.array([[[0, 1, 1, 255]]]), np.eye(2)[[[[0, 1, 0, 1]]]])
        >>> float(metric.result())
        0.6666666865348816
    """

    parts = staticmethod(dice_parts)

    def __init__(
        self,
        num_classes: int,
        ignore_label: int = 255,
        name: str = "mean_dice",
        dtype: str | None = None,
        *,
        absent: Absent = "skip",
    ) -> None:
        super().__init__(num_classes, ignore_label, name, dtype, absent)


@keras.saving.register_keras_serializable(package="kerasseg")
class MeanAccuracy(_ClassMean):
    """Mean over the classes of the share of their pixels that are predicted so.

    A class's share is `TP / (TP + FN)` over the whole data set, as `class_accuracy` says;
    `class_scores()` has that of each class.

    Call arguments:
        y_true: Labels `(N, H, W)` or `(N, H, W, 1)`, any integer dtype.
        y_pred: Logits or probabilities `(N, H, W, C)`.

    Args:
        num_classes: C, at least 2.
        ignore_label: The label of void pixels, which are skipped.
        name: Name of the metric.
        dtype: As Keras takes it; pixels are counted in float64 in any case.
        absent: How a class counts that the truth does not hold: not at all (`"skip"`), as 1
            (`"one"`) or as 0 (`"zero"`).

    Raises:
        KerassegError: If `num_classes` is below 2, `absent` is unknown, or `y_pred` has not so many
            channels.
        tf.errors.InvalidArgumentError: By a batch with a label that is neither class nor void.

    Example:
        >>> import numpy as np
        >>> metric = MeanAccuracy(2)
        >>> metric.update_state(np.array([[[0, 1, 1, 255]]]), np.eye(2)[[[[0, 1, 0, 1]]]])
        >>> float(metric.result())
        0.75
    """

    parts = staticmethod(accuracy_parts)

    def __init__(
        self,
        num_classes: int,
        ignore_label: int = 255,
        name: str = "mean_accuracy",
        dtype: str | None = None,
        *,
        absent: Absent = "skip",
    ) -> None:
        super().__init__(num_classes, ignore_label, name, dtype, absent)


@keras.saving.register_keras_serializable(package="kerasseg")
class PixelAccuracy(ConfusionMetric):
    """Share of all valid pixels whose class is right.

    Unlike `keras.metrics.SparseCategoricalAccuracy` it skips void.

    Call arguments:
        y_true: Labels `(N, H, W)` or `(N, H, W, 1)`, any integer dtype.
        y_pred: Logits or probabilities `(N, H, W, C)`.

    Args:
        num_classes: C, at least 2.
        ignore_label: The label of void pixels, which are skipped.
        name: Name of the metric.
        dtype: As Keras takes it; pixels are counted in float64 in any case.

    Raises:
        KerassegError: If `num_classes` is below 2, or `y_pred` has not so many channels.
        tf.errors.InvalidArgumentError: By a batch with a label that is neither class nor void.

    Example:
        >>> import numpy as np
        >>> metric = PixelAccuracy(2)
        >>> metric.update_state(np.array([[[0, 1, 1, 255]]]), np.eye(2)[[[[0, 1, 0, 1]]]])
        >>> float(metric.result())
        0.6666666865348816
    """

    def __init__(
        self,
        num_classes: int,
        ignore_label: int = 255,
        name: str = "pixel_accuracy",
        dtype: str | None = None,
    ) -> None:
        super().__init__(num_classes, ignore_label, name, dtype)

    def result(self) -> tf.Tensor:
        """Returns the share, 0..1; 0 where nothing was counted."""
        confusion = tf.convert_to_tensor(self.confusion)
        right, all_pixels = tf.linalg.trace(confusion), tf.reduce_sum(confusion)
        return tf.cast(tf.math.divide_no_nan(right, all_pixels), tf.float32)


@keras.saving.register_keras_serializable(package="kerasseg")
class FrequencyWeightedIoU(ConfusionMetric):
    """Mean of the classes' IoU, each weighed by its share of the true pixels.

    `sum_c t_c IoU_c / sum_c t_c` over the whole data set, as `frequency_weighted_iou` says.

    Call arguments:
        y_true: Labels `(N, H, W)` or `(N, H, W, 1)`, any integer dtype.
        y_pred: Logits or probabilities `(N, H, W, C)`.

    Args:
        num_classes: C, at least 2.
        ignore_label: The label of void pixels, which are skipped.
        name: Name of the metric.
        dtype: As Keras takes it; pixels are counted in float64 in any case.

    Raises:
        KerassegError: If `num_classes` is below 2, or `y_pred` has not so many channels.
        tf.errors.InvalidArgumentError: By a batch with a label that is neither class nor void.

    Example:
        >>> import numpy as np
        >>> metric = FrequencyWeightedIoU(2)
        >>> metric.update_state(np.array([[[0, 1, 1, 255]]]), np.eye(2)[[[[0, 1, 0, 1]]]])
        >>> float(metric.result())
        0.5
    """

    def __init__(
        self,
        num_classes: int,
        ignore_label: int = 255,
        name: str = "frequency_weighted_iou",
        dtype: str | None = None,
    ) -> None:
        super().__init__(num_classes, ignore_label, name, dtype)

    def result(self) -> tf.Tensor:
        """Returns the weighted mean, 0..1; 0 where nothing was counted."""
        ious = tf.math.divide_no_nan(*self.parts_of(iou_parts))
        truth = tf.reduce_sum(self.confusion, axis=1)
        total = tf.reduce_sum(truth * ious)
        return tf.cast(tf.math.divide_no_nan(total, tf.reduce_sum(truth)), tf.float32)
