"""Running a model over a data set, or an image."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from kerasseg.data.batches import evaluation_batches
from kerasseg.data.image_file import read_image
from kerasseg.data.streams import Split
from kerasseg.errors import KerassegError
from kerasseg.evaluation.inference.ahead import ahead
from kerasseg.evaluation.inference.kept_predictors import predictor_of
from kerasseg.evaluation.inference.predictor import Predictor
from kerasseg.evaluation.inference.protocol import Protocol, protocol_of
from kerasseg.evaluation.inference.replicas import check_shared
from kerasseg.evaluation.metrics import class_confusions
from kerasseg.evaluation.result.confident import confident_function
from kerasseg.evaluation.result.details import Tally
from kerasseg.label_set import LabelSet

_count = tf.function(class_confusions, reduce_retracing=True, autograph=False)


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
    total = np.zeros((labels.num_classes, labels.num_classes), np.int64)
    for confusions, *_ in _counted(predictor_of(model), batches, labels, progress):
        total += confusions.sum(axis=0)
    return total


@dataclass(frozen=True)
class Evaluation:
    """How a model did on each image of a data set.

    Attributes:
        confusion: Pixels of true class i predicted as class j at `[i, j]`, int64 `(C, C)`.
        numbers: The place of each image in its split, int64 `(N,)`.
        overlap: Pixels of each image that are of a class and predicted so, int64 `(N, C)`.
        union: Pixels of each image that are of a class or predicted so, int64 `(N, C)`.

    Example:
        >>> counts = np.array([[3, 1]]), np.array([[4, 4]])
        >>> Evaluation(np.array([[3, 1], [2, 1]]), np.array([0]), *counts).image_iou
        array([0.5])
    """

    confusion: np.ndarray
    numbers: np.ndarray
    overlap: np.ndarray
    union: np.ndarray

    @property
    def image_iou(self) -> np.ndarray:
        """Mean IoU of each image over the classes in its truth or prediction, float64 `(N,)`.

        NaN for an image that is all void.
        """
        occurs = self.union > 0
        ious = np.divide(self.overlap, self.union, out=np.zeros(occurs.shape), where=occurs)
        count = occurs.sum(axis=1)
        return np.divide(ious.sum(axis=1), count, out=np.full(len(ious), np.nan), where=count > 0)


def evaluate(
    model: keras.Model,
    split: Split,
    labels: LabelSet,
    protocol: str | Protocol = "whole",
    *,
    batch_size: int = 4,
    devices: Sequence[str] = (),
    progress: bool | None = None,
    tally: Tally | None = None,
) -> Evaluation:
    """Returns how a model does on a split, by any protocol, void left out.

    Args:
        model: Pixels `(N, H, W, 3)` to logits or probabilities `(N, H, W, C)`.
        split: The images and their label maps, checked by `kerasseg.data.check_pairs`; or records.
        labels: The classes and the void label.
        protocol: `"whole"`, `"refinenet"`, `"efficientfcn"`, or a `kerasseg.evaluation.Protocol`,
            with tiles if images are too large for the model's memory.
        batch_size: The largest number of images in a batch; they are of one size. With several
            devices it is taken up to a multiple of their number.
        devices: Names such as `"GPU:0"`, to which the images of a batch are dealt out; empty for
            TensorFlow's own choice of one.
        progress: Whether a bar is shown; None: where standard error is a terminal.
        tally: Where borders, regions and confidence are counted too; None for nowhere.

    Raises:
        KerassegError: If the model has another number of classes than the data, or the protocol
            or a device is not known.
        tf.errors.OpError: If a file is missing or cannot be decoded.

    Example:
        >>> import kerasseg
        >>> from kerasseg.data import find_pairs, shapes
        >>> pairs = find_pairs(shapes.ensure("shapes", train=2, val=1), "val")
        >>> model = kerasseg.EfficientFCN("mobilenetv2", 8, backbone_weights=None)
        >>> mirrored_too = kerasseg.evaluation.Protocol(flip=True)
        >>> evaluate(model, pairs, shapes.LABELS, mirrored_too).confusion.shape
        (8, 8)
    """
    replicas = len(devices) or 1
    size = batch_size + -batch_size % replicas
    batches = evaluation_batches(
        split, labels, batch_size=size, pad_to_multiple=replicas, numbered=True
    )
    shown = sys.stderr.isatty() if progress is None else progress
    return evaluate_images(model, batches, labels, shown, protocol, devices, tally)


def evaluate_images(
    model: keras.Model,
    batches: tf.data.Dataset,
    labels: LabelSet,
    progress: bool = False,
    protocol: str | Protocol = "whole",
    devices: Sequence[str] = (),
    tally: Tally | None = None,
) -> Evaluation:
    """Returns the counts of a model over a data set, for each image, void left out.

    Args:
        model: Pixels `(N, H, W, 3)` to logits or probabilities `(N, H, W, C)`.
        batches: `(image, label, number)` as `kerasseg.data.evaluation_batches` gives them with
            `numbered=True`.
        labels: The classes and the void label.
        progress: Whether a bar is shown.
        protocol: As for `evaluate`.
        devices: As for `evaluate`; every batch is a multiple of their number.
        tally: As for `evaluate`.

    Raises:
        KerassegError: If the model has another number of classes than the data, or the protocol
            or a device is not known.
        tf.errors.OpError: If a file of the batches is missing or cannot be decoded.

    Example:
        >>> from kerasseg.data import evaluation_batches, find_pairs, shapes
        >>> pairs = find_pairs(shapes.ensure("shapes", train=2, val=1), "val")
        >>> batches = evaluation_batches(pairs, shapes.LABELS, batch_size=1, numbered=True)
        >>> images = keras.Input((None, None, 3))
        >>> model = keras.Model(images, keras.layers.Conv2D(8, 3, padding="same")(images))
        >>> evaluate_images(model, batches, shapes.LABELS).image_iou.shape
        (1,)
    """
    predictor = predictor_of(model, protocol, devices)
    total = np.zeros((labels.num_classes, labels.num_classes), np.int64)
    parts = []
    for confusions, number in _counted(predictor, batches, labels, progress, tally):
        total += confusions.sum(axis=0)
        overlap = np.diagonal(confusions, axis1=1, axis2=2)
        union = confusions.sum(axis=1) + confusions.sum(axis=2) - overlap
        real = number.numpy() >= 0
        parts.append((number.numpy()[real], overlap[real], union[real]))
    return Evaluation(total, *(np.concatenate(column) for column in zip(*parts, strict=True)))


def _counted(
    predictor: Predictor,
    batches: tf.data.Dataset,
    labels: LabelSet,
    progress: bool,
    tally: Tally | None = None,
) -> Iterator[tuple[Any, ...]]:
    """Gives the confusion matrices of the images of each batch, and what follows its truth.

    While the pixels of a batch are counted the model sees the next one.
    """
    from tqdm import tqdm

    if predictor.num_classes != labels.num_classes:
        raise KerassegError(
            f"the model gives {predictor.num_classes} classes and the data have "
            f"{labels.num_classes} ({', '.join(labels.class_names[:3])}, ...). Give the data that "
            "it was trained for."
        )
    classes_of = _function_of(predictor, batches.element_spec[0], tally)
    seen = ahead((classes_of(images), *others) for images, *others in batches)
    length = int(batches.cardinality())
    bar = tqdm(seen, "evaluating", max(length, 0) or None, unit="batch", disable=not progress)
    for (classes, confidence), truth, *others in bar:
        with tf.device("CPU"):  # on a GPU the counting is not deterministic
            confusions = _count(truth, classes, labels.num_classes, labels.ignore_label)
        if tally is not None:
            tally.add(truth.numpy(), np.asarray(classes), confidence)
        yield confusions.numpy(), *others


def _function_of(
    predictor: Predictor, images: tf.TensorSpec, tally: Tally | None
) -> Callable[[tf.Tensor], tuple[npt.ArrayLike, np.ndarray | None]]:
    """Returns the function of batches to classes and, where it is wanted, confidence."""
    if tally is not None and tally.calibration:
        return confident_function(predictor, images)
    classes_of = predictor.batch_function(images)
    return lambda batch: (classes_of(batch), None)


def predict(
    model: keras.Model,
    image: npt.ArrayLike | str | os.PathLike[str],
    protocol: str | Protocol = "whole",
    *,
    probabilities: bool = False,
    devices: Sequence[str] = (),
) -> np.ndarray:
    """Returns the class of every pixel of one image, or the probabilities of all classes.

    The first image compiles the model for images of all sizes, the following ones find it so.

    Args:
        model: Pixels `(N, H, W, 3)` to logits or probabilities `(N, H, W, C)`. A single channel
            is the probability of class 1.
        image: `(H, W, 3)`, RGB 0..255, uint8 or float; or the path of a JPEG, PNG, BMP, WebP or
            TIFF file, which is turned as its camera says.
        protocol: `"whole"`, `"refinenet"`, `"efficientfcn"`, or a `kerasseg.evaluation.Protocol`;
            see `kerasseg.evaluation.protocol_of`.
        probabilities: Whether to return these instead of the classes.
        devices: Names such as `"GPU:0"`, to which the tiles of an image are dealt out: several need
            a protocol with tiles. Empty for TensorFlow's own choice of one.

    Returns:
        int32 `(H, W)`, class numbers; or float32 `(H, W, C)`.

    Raises:
        KerassegError: If the image, the model, the protocol or a device cannot be used, or there
            are several devices and no tiles.

    Example:
        >>> import kerasseg
        >>> model = kerasseg.EfficientFCN("mobilenetv2", 5, backbone_weights=None)
        >>> predict(model, np.zeros((33, 47, 3), "uint8")).shape
        (33, 47)
    """
    check_shared(devices, protocol_of(protocol))
    pixels = read_image(Path(image)) if isinstance(image, str | os.PathLike) else np.asarray(image)
    predictor = predictor_of(model, protocol, devices)
    found = predictor.probabilities if probabilities else predictor.classes
    return found(pixels[np.newaxis])[0]
