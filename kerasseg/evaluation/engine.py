"""Running a model over whole images."""

import keras
import numpy as np
import tensorflow as tf

from kerasseg.evaluation.metrics import MeanIoU
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
