"""Boundary IoU: the overlap of what lies near the contours."""

from numbers import Integral
from typing import Any

import keras
import tensorflow as tf

from kerasseg.checks import is_number
from kerasseg.errors import KerassegError
from kerasseg.evaluation.metrics.class_bits import diagonal, near_other_class
from kerasseg.evaluation.metrics.class_scores import Absent
from kerasseg.evaluation.metrics.counting import (
    Labels,
    class_counts,
    predicted_classes,
    read_labels,
)
from kerasseg.evaluation.metrics.segmentation_metric import ClassMetric

_SHARE_OF_DIAGONAL = 0.02


def image_boundary_overlaps(
    truth: tf.Tensor,
    logits: tf.Tensor,
    ignore_label: int,
    width: int | float = _SHARE_OF_DIAGONAL,
    at_image_edge: bool = True,
) -> tf.Tensor:
    """Returns what Boundary IoU counts in each image, int64 `(N, 3, C)`.

    Args:
        truth: Labels `(N, H, W)`, any integer dtype.
        logits: Logits or probabilities `(N, H, W, C)`.
        ignore_label: The label of void pixels.
        width: As for `BoundaryIoU`.
        at_image_edge: As for `BoundaryIoU`.

    Returns:
        Of each class the pixels that lie near both contours, those near the contour of the truth,
        and those near that of the prediction. Overlap over union is the first over what the
        other two together have more than it.

    Raises:
        tf.errors.InvalidArgumentError: For a label that is neither class nor void.

    Example:
        >>> import numpy as np
        >>> truth, logits = np.array([[[0, 0, 1, 1]]]), np.eye(2)[[[[0, 0, 0, 1]]]]
        >>> image_boundary_overlaps(truth, logits, 255, 1, at_image_edge=False).numpy().tolist()
        [[[0, 0], [1, 1], [1, 1]]]
    """
    labels = read_labels(truth, logits.shape[-1], ignore_label)
    return tf.cast(_overlaps(labels, logits, width, at_image_edge), tf.int64)


def _overlaps(
    labels: Labels, logits: tf.Tensor, width: int | float, at_image_edge: bool
) -> tf.Tensor:
    classes, predicted = logits.shape[-1], predicted_classes(logits)
    radius = width if isinstance(width, Integral) else _share_of_diagonal(predicted, width)
    of_truth, of_prediction = (
        near_other_class(each, labels.valid, classes, radius, at_image_edge)
        for each in (labels.classes, predicted)
    )
    both = of_truth & of_prediction & tf.equal(labels.classes, predicted)
    pixels = ((labels.classes, both), (labels.classes, of_truth), (predicted, of_prediction))
    return tf.stack([class_counts(*each, classes) for each in pixels], axis=1)


def _share_of_diagonal(maps: tf.Tensor, share: float) -> tf.Tensor:
    """Returns a share of the diagonal of maps `(N, H, W)`, whole pixels, at least 1."""
    return tf.maximum(tf.cast(tf.round(share * diagonal(maps)), tf.int32), 1)


@keras.saving.register_keras_serializable(package="kerasseg")
class BoundaryIoU(ClassMetric):
    """Mean over the classes of the IoU of what lies near their contours.

    `|(G_d ∩ G) ∩ (P_d ∩ P)| / |(G_d ∩ G) ∪ (P_d ∩ P)|`, G the pixels of a class, P those that are
    predicted so, G_d and P_d those within d pixels of the contour of each: Cheng, Girshick, Dollár,
    Berg, Kirillov, "Boundary IoU: Improving Object-Centric Image Segmentation Evaluation", CVPR
    2021 (arXiv 2103.16562). Numerator and denominator are summed over the whole data
    set and over replicas, as those of the mean IoU are. `class_scores()` has that of each class.

    A pixel of a class is within d of the contour if a pixel that is not of the class is at most d
    rows and d columns away, as when the class is eroded d times by 3×3 pixels. What is void in the
    truth is taken out of truth and prediction. It is no other class: where a class borders on void
    alone it has no contour, and the pixels there count as those of the inside do. Void is not in
    the way either: two classes on both sides of a strip of void are in each other's reach.

    Call arguments:
        y_true: Labels `(N, H, W)` or `(N, H, W, 1)`, any integer dtype. Labels that fill up images
            to one size do harm: the diagonal and the edge are those of the whole map.
        y_pred: Logits or probabilities `(N, H, W, C)`.

    Args:
        num_classes: C, at least 2.
        ignore_label: The label of void pixels, which are skipped.
        name: Name of the metric.
        dtype: As Keras takes it; pixels are counted in float64 in any case.
        width: d: a whole number of pixels, or a share of the image's diagonal below 1, rounded to
            whole pixels, at least 1. The paper takes 0.02.
        at_image_edge: Whether the edge of the image is a contour of what touches it, as in the
            authors' evaluation.
        absent: How a class counts that has no pixel near a contour, neither in truth nor in
            prediction: not at all (`"skip"`), as 1 (`"one"`) or as 0 (`"zero"`).

    Raises:
        KerassegError: If an argument is out of its range, or `y_pred` has not C channels.
        tf.errors.InvalidArgumentError: By a batch with a label that is neither class nor void.

    Example:
        >>> import numpy as np
        >>> metric = BoundaryIoU(2, width=1, at_image_edge=False)
        >>> metric.update_state(np.array([[[0, 0, 1, 1]]]), np.eye(2)[[[[0, 0, 1, 1]]]])
        >>> float(metric.result())
        1.0
    """

    def __init__(
        self,
        num_classes: int,
        ignore_label: int = 255,
        name: str = "boundary_iou",
        dtype: str | None = None,
        *,
        width: int | float = _SHARE_OF_DIAGONAL,
        at_image_edge: bool = True,
        absent: Absent = "skip",
    ) -> None:
        super().__init__(num_classes, ignore_label, name, dtype, absent)
        _check_width(width)
        self.width = width
        self.at_image_edge = at_image_edge
        self.counts = self.sums("counts", (3, num_classes))

    def count(self, labels: Labels, y_pred: tf.Tensor) -> None:
        """Adds what lies near the contours of a batch."""
        counts = _overlaps(labels, y_pred, self.width, self.at_image_edge)
        self.counts.assign_add(tf.cast(tf.reduce_sum(counts, axis=0), tf.float64))

    def class_parts(self) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns overlap, union, and whether a class has pixels near a contour, `(C,)`."""
        overlap, truth, predicted = tf.unstack(tf.convert_to_tensor(self.counts))
        union = truth + predicted - overlap
        return overlap, union, union > 0

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the metric."""
        own = {"width": self.width, "at_image_edge": self.at_image_edge}
        return {**super().get_config(), **own}


def _check_width(width: object) -> None:
    whole = isinstance(width, Integral)
    if not is_number(width) or not (width >= 1 if whole else 0 < width < 1):
        raise KerassegError(
            f"width is a whole number of pixels, at least 1, or a share of the diagonal, above 0 "
            f"and below 1; received {width!r}. Boundary IoU is usually taken at 0.02."
        )
