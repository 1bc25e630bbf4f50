"""The Lovász-softmax loss over label maps with void pixels."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from kerasseg.losses.global_batch import (
    as_mean_over_images,
    from_all_replicas,
    sum_over_replicas,
)
from kerasseg.losses.segmentation_loss import SegmentationLoss
from kerasseg.losses.truth import Truth, class_maps, sum_of_pixels


@keras.saving.register_keras_serializable(package="kerasseg")
class LovaszSoftmax(SegmentationLoss):
    """The Lovász-softmax loss, a surrogate of one minus the mean intersection over union.

    Berman, Rannen Triki, Blaschko: "The Lovász-Softmax loss", CVPR 2018, arXiv 1705.08790,
    equations 8, 9 and 12. The errors of class c are `m_p = |[y_p = c] - softmax(logits_p)[c]|`;
    with the pixels in the order of falling errors, the loss of the class is
    `sum_k m_k (J_k - J_{k-1})`, where J_k is the Jaccard loss `1 - |A ∩ B| / |A ∪ B|` if exactly
    the first k pixels were wrong. It is averaged, `sum_c w_c L_c / sum_c w_c`, over the classes
    that occur in the truth.

    Per image, pixels are sorted within an image and its classes are those that occur in it; the
    loss is the mean over the images of the global batch that hold a valid pixel. Otherwise all
    pixels of the global batch are sorted together: every replica gathers those of the others,
    which takes memory and time. Either way how images are dealt out changes nothing.

    Void pixels change neither the loss nor its gradient; a batch of nothing but void has loss 0.

    Call arguments:
        y_true: Labels `(N, H, W)` or `(N, H, W, 1)`, any integer dtype.
        y_pred: Logits `(N, H, W, C)`, C at least 2.

    Args:
        per_image: Whether each image has a loss of its own.
        ignore_label: The label of void pixels.
        class_weights: w, one weight a class, of the class as a whole; None for 1.
        name: Name of the loss.
        **kwargs: What `keras.losses.Loss` takes.

    Raises:
        KerassegError: By a call as `SegmentationCrossentropy`.
        tf.errors.InvalidArgumentError: By a label that is neither a class nor void.

    Example:
        >>> import numpy as np
        >>> labels, logits = np.array([[[0, 255]]]), np.zeros((1, 1, 2, 2), "float32")
        >>> float(LovaszSoftmax()(labels, logits))
        0.5
    """

    def __init__(
        self,
        per_image: bool = True,
        ignore_label: int = 255,
        class_weights: Sequence[float] | None = None,
        name: str = "lovasz_softmax",
        **kwargs: Any,
    ) -> None:
        super().__init__(ignore_label, class_weights, name, **kwargs)
        self.per_image = per_image

    def of_images(self, truth: Truth, logits: tf.Tensor) -> tf.Tensor:
        """Returns `(N,)`, whose mean as Keras takes it is the loss, of float32 logits."""
        predicted, occurs = class_maps(truth, logits)
        errors = tf.abs(occurs - predicted)
        # Void ones come last, where they change the slope of no other.
        ranking = tf.where(truth.valid[..., None], errors, -1.0)
        # No sort can place what is no number; the errors themselves show it.
        ranking = tf.stop_gradient(tf.where(tf.math.is_nan(errors), 2.0, ranking))
        slopes_of = _slopes_by_image if self.per_image else _slopes_of_batch
        slopes = tf.reshape(slopes_of(_flat(ranking), _flat(occurs)), tf.shape(errors))
        losses, area = sum_of_pixels(errors * tf.stop_gradient(slopes)), sum_of_pixels(occurs)
        return self._mean_of_images(losses, area) if self.per_image else self._mean(losses, area)

    def _mean_of_images(self, losses: tf.Tensor, area: tf.Tensor) -> tf.Tensor:
        """Returns `(N,)` of losses and pixels by image and class, both `(N, C)`."""
        weights = self._weights(area)
        whole = tf.reduce_sum(weights, axis=1)
        images = tf.math.divide_no_nan(tf.reduce_sum(weights * losses, axis=1), whole)
        counted = tf.reduce_sum(tf.cast(whole > 0, tf.float32))
        return as_mean_over_images(images, sum_over_replicas(counted))

    def _mean(self, losses: tf.Tensor, area: tf.Tensor) -> tf.Tensor:
        weights = self._weights(sum_over_replicas(tf.reduce_sum(area, axis=0)))
        images = tf.reduce_sum(weights * losses, axis=1)
        return as_mean_over_images(images, tf.reduce_sum(weights))

    def _weights(self, area: tf.Tensor) -> tf.Tensor:
        """Returns the weight of each class, 0 where it does not occur."""
        occurs = tf.cast(area > 0, tf.float32)
        return occurs if self.class_weights is None else occurs * tf.constant(self.class_weights)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the loss."""
        return {**super().get_config(), "per_image": self.per_image}


def _flat(maps: tf.Tensor) -> tf.Tensor:
    """Returns the pixels `(N, P, C)` of `(N, H, W, C)`."""
    return tf.reshape(maps, [tf.shape(maps)[0], -1, maps.shape[-1]])


def _slopes_by_image(ranking: tf.Tensor, occurs: tf.Tensor) -> tf.Tensor:
    # One image after the other: a sort of all holds several copies of them.
    return tf.map_fn(
        lambda image: _slopes(*image),
        (ranking, occurs),
        parallel_iterations=1,
        fn_output_signature=tf.TensorSpec([None, ranking.shape[-1]], tf.float32),
    )


def _slopes_of_batch(ranking: tf.Tensor, occurs: tf.Tensor) -> tf.Tensor:
    channels = ranking.shape[-1]
    own = tf.reshape(ranking, [-1, channels])
    every, start = from_all_replicas(own)
    truth, _ = from_all_replicas(tf.reshape(occurs, [-1, channels]))
    return _slopes(every, truth)[start : start + tf.shape(own)[0]]


def _slopes(ranking: tf.Tensor, occurs: tf.Tensor) -> tf.Tensor:
    """Returns `J_k - J_{k-1}` at the place of each pixel, `(P, C)`.

    Args:
        ranking: `(P, C)`, what the pixels are sorted by, the largest first.
        occurs: `(P, C)`, 1 for the pixels of the class and 0 for all others.
    """
    order = tf.argsort(tf.transpose(ranking), direction="DESCENDING", stable=True)
    truth = tf.gather(tf.transpose(occurs), order, batch_dims=1)
    area = tf.reduce_sum(truth, axis=1, keepdims=True)
    overlap = area - tf.cumsum(truth, axis=1)
    union = area + tf.cumsum(1.0 - truth, axis=1)
    # The differences in closed form: those of J itself would be lost in its rounding. A pixel of
    # the class takes one from the overlap, any other adds one to the union.
    added = tf.math.divide_no_nan(overlap, union * (union - 1.0))
    return _in_places(order, tf.where(truth > 0, tf.math.divide_no_nan(1.0, union), added))


def _in_places(order: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Returns the sorted values `(C, P)` where they came from, `(P, C)`."""
    shape = tf.shape(order)
    places = order + shape[1] * tf.range(shape[0])[:, None]
    flat = tf.scatter_nd(
        tf.reshape(places, [-1, 1]), tf.reshape(values, [-1]), tf.reshape(tf.size(order), [1])
    )
    return tf.transpose(tf.reshape(flat, shape))
