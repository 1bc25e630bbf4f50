"""Boundary F1: how well contours agree."""

from numbers import Integral
from typing import Any

import keras
import tensorflow as tf

from kerasseg.checks import is_number
from kerasseg.errors import KerassegError
from kerasseg.evaluation.metrics.class_bits import (
    class_bits,
    diagonal,
    dilated_by_disk,
    near_other_class,
)
from kerasseg.evaluation.metrics.class_scores import Absent
from kerasseg.evaluation.metrics.counting import (
    Labels,
    class_counts,
    predicted_classes,
    read_labels,
)
from kerasseg.evaluation.metrics.segmentation_metric import ClassMetric

# Sums of whole multiples of 2^-32 depend neither on their order nor on how images are dealt out.
_STEPS = 2**32


def image_contour_matches(
    truth: tf.Tensor, logits: tf.Tensor, ignore_label: int, tolerance: int | float
) -> tf.Tensor:
    """Returns what boundary F1 counts in each image, int64 `(N, 4, C)`.

    Args:
        truth: Labels `(N, H, W)`, any integer dtype.
        logits: Logits or probabilities `(N, H, W, C)`.
        ignore_label: The label of void pixels.
        tolerance: As for `BoundaryF1`.

    Returns:
        Of each class the contour pixels of the prediction that one of the truth is near to, all of
        the prediction, those of the truth that one of the prediction is near to, and all of the
        truth. The first two make the precision, the others the recall.

    Raises:
        tf.errors.InvalidArgumentError: For a label that is neither class nor void.

    Example:
        >>> import numpy as np
        >>> truth, logits = np.array([[[0, 0, 1, 1, 1]]]), np.eye(2)[[[[0, 0, 0, 1, 1]]]]
        >>> image_contour_matches(truth, logits, 255, tolerance=1).numpy().tolist()
        [[[1, 1], [1, 1], [1, 1], [1, 1]]]
    """
    labels = read_labels(truth, logits.shape[-1], ignore_label)
    return tf.cast(_matches(labels, logits, tolerance), tf.int64)


def _matches(labels: Labels, logits: tf.Tensor, tolerance: int | float) -> tf.Tensor:
    classes, pairs = logits.shape[-1], []
    whole = isinstance(tolerance, Integral)
    reach = tolerance if whole else tolerance * diagonal(labels.classes)
    for each in (predicted_classes(logits), labels.classes):
        contour = near_other_class(each, labels.valid, classes, radius=1, at_image_edge=False)
        pairs.append((each, contour, class_bits(each, contour, classes)))
    counts = []
    for (each, contour, bits), (_, _, partner) in (pairs, pairs[::-1]):
        shared = tf.bitwise.bitwise_and(bits, dilated_by_disk(partner, reach))
        matched = tf.reduce_any(tf.not_equal(shared, 0), axis=-1)
        counts += [class_counts(each, matched, classes), class_counts(each, contour, classes)]
    return tf.stack(counts, axis=1)


def _f1_parts(counts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns `2 P R`, `P + R` and whether there is a contour, of counts `(..., 4, C)`."""
    matched, predicted, found, truth = tf.unstack(counts, axis=-2)
    precision = tf.math.divide_no_nan(matched, predicted)
    recall = tf.math.divide_no_nan(found, truth)
    return 2 * precision * recall, precision + recall, predicted + truth > 0


@keras.saving.register_keras_serializable(package="kerasseg")
class BoundaryF1(ClassMetric):
    """Mean over the classes of the F1 score of their contours, at a tolerance of some pixels.

    `2 P R / (P + R)`: the precision P is the share of the predicted contour pixels of a class with
    a true one at most `tolerance` away (Euclid's distance), the recall R the reverse. Csurka,
    Larlus, Perronnin, "What is a good evaluation measure for semantic segmentation?", BMVC 2013;
    Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation",
    CVPR 2016 (F).

    A contour pixel of a class has a pixel of another class among its eight neighbours. The edge of
    the image makes no contour. What is void in the truth is taken out of truth and prediction, and
    is no other class: where a class borders on void alone it has no contour, so that nothing there
    is looked for or found.

    Call arguments:
        y_true: Labels `(N, H, W)` or `(N, H, W, 1)`, any integer dtype.
        y_pred: Logits or probabilities `(N, H, W, C)`.

    Args:
        num_classes: C, at least 2.
        ignore_label: The label of void pixels, which are skipped.
        name: Name of the metric; None for `boundary_f1_` and the tolerance.
        dtype: As Keras takes it; the sums are float64 in any case.
        tolerance: A whole number of pixels, at least 0, or a share of the image's diagonal above 0
            and below 1. Csurka et al. take 0.0075, which is 4.5 pixels at 480×360.
        per_image: Whether a class's score is the mean of its scores in the images in which truth
            or prediction have a contour of it, as Csurka et al. take it, rather than that of all
            contour pixels of the data set together.
        absent: How a class counts that has no contour, neither in truth nor in prediction: not at
            all (`"skip"`), as 1 (`"one"`) or as 0 (`"zero"`).

    Raises:
        KerassegError: If an argument is out of its range, or `y_pred` has not C channels.
        tf.errors.InvalidArgumentError: By a batch with a label that is neither class nor void.

    Example:
        >>> import numpy as np
        >>> metric = BoundaryF1(2, tolerance=1)
        >>> metric.update_state(np.array([[[0, 0, 1, 1]]]), np.eye(2)[[[[0, 0, 0, 1]]]])
        >>> metric.name, float(metric.result())
        ('boundary_f1_1', 1.0)
    """

    def __init__(
        self,
        num_classes: int,
        ignore_label: int = 255,
        name: str | None = None,
        dtype: str | None = None,
        *,
        tolerance: int | float = 3,
        per_image: bool = False,
        absent: Absent = "skip",
    ) -> None:
        _check_tolerance(tolerance)
        own_name = f"boundary_f1_{tolerance}" if name is None else name
        super().__init__(num_classes, ignore_label, own_name, dtype, absent)
        self.tolerance = tolerance
        self.per_image = per_image
        self.counts = self.sums("counts", (2 if per_image else 4, num_classes))

    def count(self, labels: Labels, y_pred: tf.Tensor) -> None:
        """Adds the contour pixels of a batch, or the scores of its images."""
        counts = tf.cast(_matches(labels, y_pred, self.tolerance), tf.float64)
        if self.per_image:
            numerator, denominator, occurs = _f1_parts(counts)
            scores = tf.math.divide_no_nan(numerator, denominator)
            rounded = tf.round(scores * _STEPS) / _STEPS
            counts = tf.stack([rounded, tf.cast(occurs, tf.float64)], axis=1)
        self.counts.assign_add(tf.reduce_sum(counts, axis=0))

    def class_parts(self) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns numerator and denominator of each score, and whether it has a contour, `(C,)`."""
        counts = tf.convert_to_tensor(self.counts)
        if self.per_image:
            return counts[0], counts[1], counts[1] > 0
        return _f1_parts(counts)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the metric."""
        own = {"tolerance": self.tolerance, "per_image": self.per_image}
        return {**super().get_config(), **own}


def _check_tolerance(tolerance: object) -> None:
    whole = isinstance(tolerance, Integral)
    if not is_number(tolerance) or not (tolerance >= 0 if whole else 0 < tolerance < 1):
        raise KerassegError(
            "tolerance is a whole number of pixels, at least 0, or a share of the diagonal, above "
            f"0 and below 1; received {tolerance!r}. Boundary F1 is usually taken at 0.0075."
        )
