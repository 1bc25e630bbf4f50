"""Expected calibration error: whether a network is right as often as it says."""

from typing import Any

import keras
import tensorflow as tf

from kerasseg.checks import check_counts
from kerasseg.evaluation.metrics.counting import Labels, bin_counts, predicted_classes
from kerasseg.evaluation.metrics.segmentation_metric import SegmentationMetric

# A sum of whole numbers depends neither on the order of its terms nor on how they are dealt out.
_STEPS = 2**20


@keras.saving.register_keras_serializable(package="kerasseg")
class ExpectedCalibrationError(SegmentationMetric):
    """How far the confidence of the predictions is from the share of them that is right.

    `sum_m |B_m| / n · |acc(B_m) - conf(B_m)|` over M bins of equal width: B_m are the valid pixels
    whose confidence, the largest probability, lies in `((m-1)/M, m/M]`, acc the share of them whose
    class is right, conf their mean confidence, n all valid pixels of the data set. Guo, Pleiss,
    Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017 (arXiv 1706.04599),
    equation 3, with M = 15.

    Confidences are summed as whole multiples of 2^-20, so that the sums are the same in any order
    and on any number of devices, up to 2^33 pixels a bin.

    Call arguments:
        y_true: Labels `(N, H, W)` or `(N, H, W, 1)`, any integer dtype.
        y_pred: Logits, or probabilities with `from_logits=False`, `(N, H, W, C)`.

    Args:
        num_classes: C, at least 2.
        ignore_label: The label of void pixels, which are skipped.
        name: Name of the metric.
        dtype: As Keras takes it; the sums are float64 in any case.
        num_bins: M, at least 1.
        from_logits: Whether `y_pred` are logits, as the models give them unless they are asked for
            an activation.

    Raises:
        KerassegError: If an argument is out of its range, or `y_pred` has not C channels.
        tf.errors.InvalidArgumentError: By a batch with a label that is neither class nor void, or
            with a confidence beyond 0..1 or undefined.

    Example:
        >>> import numpy as np
        >>> metric = ExpectedCalibrationError(2, from_logits=False)
        >>> half_right = np.array([[[0, 1, 255]]]), np.array([[[[0.9, 0.1]] * 3]])
        >>> metric.update_state(*half_right)
        >>> round(float(metric.result()), 3)
        0.4
    """

    def __init__(
        self,
        num_classes: int,
        ignore_label: int = 255,
        name: str = "expected_calibration_error",
        dtype: str | None = None,
        *,
        num_bins: int = 15,
        from_logits: bool = True,
    ) -> None:
        super().__init__(num_classes, ignore_label, name, dtype)
        check_counts(num_bins=num_bins)
        self.num_bins = num_bins
        self.from_logits = from_logits
        self.bins = self.sums("bins", (3, num_bins))

    def count(self, labels: Labels, y_pred: tf.Tensor) -> None:
        """Adds pixels, those that are right, and confidence to the bins."""
        confidence = tf.where(labels.valid, self._confidence(y_pred), 1.0)
        with tf.control_dependencies([_assert_share(confidence)]):
            place = tf.cast(tf.math.ceil(confidence * self.num_bins), tf.int32) - 1
        place = tf.where(labels.valid, tf.clip_by_value(place, 0, self.num_bins - 1), self.num_bins)
        right = tf.equal(labels.classes, predicted_classes(y_pred))
        steps = tf.cast(tf.round(tf.cast(confidence, tf.float64) * _STEPS), tf.int64)
        # Void is in a bin of its own behind the others, which is cut off.
        halves, size = tf.reshape(2 * place + tf.cast(right, tf.int32), [-1]), 2 * self.num_bins + 2
        wrong_and_right = tf.reshape(bin_counts(halves, size), (-1, 2))
        pixels = tf.cast(tf.reduce_sum(wrong_and_right, axis=1), tf.int64)
        confident = bin_counts(halves, size, tf.reshape(steps, [-1]))
        confident = tf.reduce_sum(tf.reshape(confident, (-1, 2)), axis=1)
        sums = tf.stack([pixels, tf.cast(wrong_and_right[:, 1], tf.int64), confident])
        self.bins.assign_add(tf.cast(sums[:, : self.num_bins], tf.float64))

    def _confidence(self, y_pred: tf.Tensor) -> tf.Tensor:
        """Returns the largest probability of each pixel, float32 `(N, H, W)`."""
        scores = tf.cast(y_pred, tf.float32)
        largest = tf.reduce_max(scores, axis=-1)
        if not self.from_logits:
            return largest
        return 1 / tf.reduce_sum(tf.exp(scores - largest[..., None]), axis=-1)

    def result(self) -> tf.Tensor:
        """Returns the error, 0..1; 0 where nothing was counted."""
        pixels, right, steps = tf.unstack(tf.convert_to_tensor(self.bins))
        # |B| |acc - conf| is the difference of the sums.
        gaps = tf.abs(right - steps / _STEPS)
        total = tf.math.divide_no_nan(tf.reduce_sum(gaps), tf.reduce_sum(pixels))
        return tf.cast(total, tf.float32)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the metric."""
        own = {"num_bins": self.num_bins, "from_logits": self.from_logits}
        return {**super().get_config(), **own}


def _assert_share(confidence: tf.Tensor) -> tf.Operation | None:
    """Stops at what is no probability."""
    return tf.debugging.Assert(
        tf.reduce_all((confidence >= 0) & (confidence <= 1.001)),
        [
            "ExpectedCalibrationError received a largest probability that is not in 0..1; for "
            "logits say from_logits=True. The largest of all:",
            tf.reduce_max(confidence),
        ],
    )
