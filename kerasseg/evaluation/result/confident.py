"""The classes of a batch with their probabilities, where calibration is measured."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from kerasseg.evaluation.inference.predictor import Predictor
from kerasseg.evaluation.inference.views import confidence_of

Confident = Callable[[tf.Tensor], tuple[np.ndarray, np.ndarray]]


def confident_function(predictor: Predictor, images: tf.TensorSpec) -> Confident:
    """Returns the function of batches to classes and their probabilities, each `(N, H, W)`.

    Args:
        predictor: Of any protocol; with tiles or a CRF the probabilities of a batch are in memory.
        images: As for `Predictor.batch_function`.

    Raises:
        KerassegError: If the model's last layer does not tell logits from probabilities.
    """
    if predictor.protocol.tile or predictor.protocol.crf:
        return lambda batch: _of_probabilities(predictor, batch)
    both = predictor.compiled(predictor.views.confident, images)

    def of_batch(batch: tf.Tensor) -> tuple[np.ndarray, np.ndarray]:
        classes, confidence = both(batch)
        return classes.numpy(), confidence.numpy()

    return of_batch


def _of_probabilities(predictor: Predictor, batch: tf.Tensor) -> tuple[np.ndarray, np.ndarray]:
    found = predictor.probabilities(batch.numpy())
    with tf.device("CPU"):
        return predictor.largest(found), confidence_of(found).numpy()
