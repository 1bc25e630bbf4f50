"""The Keras model that a file is compared with, and the one that its mean IoU is compared with."""

from collections.abc import Sequence
from dataclasses import replace

import keras
import numpy as np

from kerasseg.evaluation.inference.protocol import Protocol
from kerasseg.formats.score import LabelledImages, Masks, Score, score
from kerasseg.serving.reference import reference
from kerasseg.serving.slimming import precision_of


class KerasReference:
    """The Keras model: as a file was made of it, and as it is evaluated.

    Args:
        model: As it is evaluated.
        exported: In the precision of the file; where that is its own, the same model.
        views: Over which probabilities are averaged.

    Attributes:
        probabilities: Of the second, by pixels `(H, W, 3)`.
        precision: What the first computes in.
    """

    def __init__(self, model: keras.Model, exported: keras.Model, views: Protocol) -> None:
        self.probabilities = reference(exported, views)
        self.precision = precision_of(model)
        self._evaluated = self.probabilities if exported is model else reference(model, views)

    def score(self, masks: Masks, examples: LabelledImages | None) -> Score | None:
        """Returns the mean IoU of a file beside that of the model as it is evaluated."""
        if examples is None:
            return None
        return replace(score(masks, self._classes, examples), keras_precision=self.precision)

    def _classes(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [self._evaluated(image).argmax(-1) for image in images]
