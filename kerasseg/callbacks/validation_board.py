"""Pictures of the validation split in TensorBoard."""

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from kerasseg.evaluation.inference.kept_predictors import predictor_of
from kerasseg.evaluation.metrics import MeanIoU, row_shares
from kerasseg.label_set import LabelSet


class ValidationBoard(keras.callbacks.Callback):
    """Shows TensorBoard the same images after every epoch, and the confusion matrix.

    The images stand beside their truth and what the model predicts with the weights of the
    moment. The matrix is that of the validation's `MeanIoU`, each row as shares of the true class;
    it comes with every validation.

    Args:
        plain: The model to show, which shares its variables with the one that trains.
        directory: Where TensorBoard's files go; None to write nothing, for a process that has to
            take part when the matrix is added up over several machines.
        examples: Image, uint8 `(H, W, 3)`, and label map `(H, W)` each; of any sizes.
        labels: The classes, their colours and the void label.

    Example:
        >>> inputs = keras.Input((None, None, 3))
        >>> model = keras.Model(inputs, keras.layers.Conv2D(2, 1)(inputs))
        >>> image, truth = np.zeros((40, 50, 3), "uint8"), np.zeros((40, 50), "int32")
        >>> labels = LabelSet(("soil", "leaf"))
        >>> board = ValidationBoard(model, "tensorboard", [(image, truth)], labels)
        >>> board.on_epoch_end(0)  # as `fit` does
        >>> len(list(Path("tensorboard").iterdir()))
        1
    """

    def __init__(
        self,
        plain: keras.Model,
        directory: str | os.PathLike[str] | None,
        examples: Sequence[tuple[np.ndarray, np.ndarray]],
        labels: LabelSet,
    ) -> None:
        super().__init__()
        self.directory = None if directory is None else Path(directory)
        self.examples = list(examples)
        self.labels = labels
        self.epoch = 0
        self._writer: tf.summary.SummaryWriter | None = None
        # The one that the report at the end predicts by as well: it is compiled once a run.
        self._predictor = predictor_of(plain)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Notes the epoch, which is the step of the pictures."""
        self.epoch = epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Writes the pictures."""
        from kerasseg.visualization import side_by_side

        predictions = self._predictions()
        for number, (image, truth) in enumerate(self.examples):
            picture = side_by_side(image, truth, predictions[number], self.labels)
            self._write(f"image {number}", np.asarray(picture.convert("RGB")), epoch)

    def _predictions(self) -> dict[int, np.ndarray]:
        """Returns the label map of each image; those of one size are predicted together."""
        of_size = defaultdict(list)
        for number, (image, _) in enumerate(self.examples):
            of_size[image.shape].append(number)
        return {
            number: prediction
            for numbers in of_size.values()
            for number, prediction in zip(
                numbers,
                self._predictor.classes(np.stack([self.examples[one][0] for one in numbers])),
                strict=True,
            )
        }

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        """Writes the confusion matrix."""
        for metric in _all_metrics(self.model):
            if isinstance(metric, MeanIoU):
                shares = row_shares(np.asarray(metric.confusion))
                self._write("confusion matrix", _grey(shares), self.epoch)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Closes the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _write(self, name: str, picture: np.ndarray, epoch: int) -> None:
        from tensorboard.plugins.image import metadata

        if self.directory is None:
            return
        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self.directory))
        height, width, _ = picture.shape
        # `tf.summary.image` squeezes as hard as PNG can, which takes longer than the prediction.
        with self._writer.as_default(), tf.device("CPU"):
            encoded = tf.io.encode_png(picture, compression=1)
            value = tf.stack([str(width), str(height), encoded])
            described = metadata.create_summary_metadata(display_name=None, description=None)
            tf.summary.write(name, value, step=epoch, metadata=described)
        self._writer.flush()


def _all_metrics(model: keras.Model) -> list[keras.metrics.Metric]:
    """Returns the metrics of a model one by one; Keras holds those of `compile` in one."""
    return [one for each in model.metrics for one in getattr(each, "metrics", [each])]


def _grey(shares: np.ndarray) -> np.ndarray:
    """Returns a matrix of 0..1 as a picture, uint8 `(S, S, 1)`, dark where it is high."""
    cell = max(1, 480 // len(shares))
    return np.kron(np.round(255 * (1 - shares)).astype(np.uint8), np.ones((cell, cell), np.uint8))[
        ..., np.newaxis
    ]
