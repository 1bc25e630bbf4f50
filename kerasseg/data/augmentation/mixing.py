"""Random mixtures of the images of a batch: each takes parts of the next, labels with them.

A pixel and its label always come from the same image; nothing is blended.
"""

import tensorflow as tf

from kerasseg.data.augmentation.draws import fold, place, rounded, uniform
from kerasseg.data.augmentation.regions import rectangle


def random_cutmix(
    images: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor, probability: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns images and label maps, some with a rectangle of the next image of the batch.

    The rectangle has the proportions of the image, its part of the area is drawn evenly, and it
    lies inside the image. Yun et al., arXiv 1905.04899, there for classification.

    Args:
        images: `(B, H, W, 3)`.
        labels: `(B, H, W)`, an integer dtype, which is kept.
        seed: Two integers.
        probability: How often an image takes part of the next one.
    """
    draw = uniform(seed, (tf.shape(labels)[0], 4))
    whole = tf.shape(labels)[1:]
    sides = rounded(tf.sqrt(draw[:, 1:2]) * tf.cast(whole, tf.float32))
    taken = rectangle(place(draw[:, 2:], whole - sides), sides, whole)
    taken &= draw[:, 0, tf.newaxis, tf.newaxis] < probability
    return _with_next(images, labels, taken)


def random_copy_paste(
    images: tf.Tensor,
    labels: tf.Tensor,
    seed: tf.Tensor,
    probability: float,
    ignore_label: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns images and label maps, some with objects of the next image of the batch.

    All pixels of half of the classes that occur there, rounded up, are copied to the same place.
    Void is never copied. Olsson et al., ClassMix, arXiv 2007.07936; Ghiasi et al., arXiv
    2012.07177, copy single objects, which a label map does not tell apart.

    Args:
        images: `(B, H, W, 3)`.
        labels: `(B, H, W)`, an integer dtype, which is kept.
        seed: Two integers.
        probability: How often an image takes part of the next one.
        ignore_label: The void label.
    """
    draw = uniform(seed, (tf.shape(labels)[0],))
    following = tf.cast(tf.roll(labels, -1, axis=0), tf.int32)
    seen = following != ignore_label
    ids = tf.where(seen, following, 0)
    chosen = _half_of_the_classes(ids, seen, fold(seed, 1))
    taken = tf.gather(chosen, ids, batch_dims=1) & seen
    taken &= draw[:, tf.newaxis, tf.newaxis] < probability
    return _with_next(images, labels, taken)


def _half_of_the_classes(ids: tf.Tensor, seen: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Returns which classes are drawn for each label map, bool `(B, C)`; C is what they need."""
    count = tf.reduce_max(ids) + 1
    batch = tf.shape(ids)[0]
    flat, weights = (tf.reshape(part, [batch, -1]) for part in (ids, tf.cast(seen, tf.int32)))
    occurs = tf.math.bincount(flat, weights, minlength=count, maxlength=count, axis=-1) > 0
    # Classes that do not occur come last in the order.
    order = tf.where(occurs, uniform(seed, (batch, count)), 2.0)
    rank = tf.argsort(tf.argsort(order, stable=True), stable=True)
    wanted = (tf.reduce_sum(tf.cast(occurs, tf.int32), axis=1, keepdims=True) + 1) // 2
    return rank < wanted


def _with_next(
    images: tf.Tensor, labels: tf.Tensor, taken: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the batch with the pixels of the next image where `taken`, bool `(B, H, W)`."""
    return (
        tf.where(taken[..., tf.newaxis], tf.roll(images, -1, axis=0), images),
        tf.where(taken, tf.roll(labels, -1, axis=0), labels),
    )
