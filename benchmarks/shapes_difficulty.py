"""What `shapes` asks for: neither colours nor small patches nor coarse logits suffice.

    python -m benchmarks.shapes_difficulty [--data-dir DIR] [--epochs 4]

Fits four models on the training split and prints their mean IoU on the validation split: a
32x32x32 colour histogram, gradient-boosted trees on the statistics of 9x9 patches, and, with
equal training, EfficientFCN and the same backbone with plainly upsampled stride-32 logits. Ends
with exit status 1 if a limit is missed. `--epochs 0` leaves out the two networks, which take
several minutes each on 2 cores.
"""

import argparse
import functools
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

import kerasseg
from kerasseg.command_line import program
from kerasseg.data import (
    Pair,
    evaluation_batches,
    find_pairs,
    locate,
    read_pair,
    shapes,
    training_batches,
)
from kerasseg.evaluation import class_iou, confusion_matrix, mean_iou
from kerasseg.experiment.training_graph import training_graph
from kerasseg.losses import SegmentationCrossentropy
from kerasseg.models.segmentation_model import segmentation_model

HISTOGRAM_LIMIT = 0.35
PATCH_LIMIT = 0.60
NEEDED_GAIN = 0.05

_LABELS = shapes.LABELS
_TRAINING_PIXELS = 40  # of each image
_VALIDATION_PIXELS = 400
_BATCH_SIZE = 8
_BACKBONE = "efficientnet_lite0"


@program
def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, help="where shapes lies or shall lie")
    parser.add_argument("--epochs", type=int, default=4, help="of the networks; 0 for none")
    options = parser.parse_args(arguments)
    directory = locate("shapes", options.data_dir)
    train, val = find_pairs(directory, "train"), find_pairs(directory, "val")

    histogram = _report("colour histogram, 32x32x32", _colour_histogram(train, val))
    patches = _report("boosted trees on 9x9 patches", _boosted_patches(train, val))
    missed = histogram >= HISTOGRAM_LIMIT or patches >= PATCH_LIMIT
    if options.epochs:
        keras.config.set_dtype_policy("mixed_bfloat16")
        coarse = _report("stride-32 logits", _trained(_coarse_model(), train, val, options.epochs))
        full = _report("EfficientFCN", _trained(_efficientfcn(), train, val, options.epochs))
        missed |= full - coarse < NEEDED_GAIN
    raise SystemExit(int(missed))


def _report(name: str, confusion: np.ndarray) -> float:
    ious = zip(_LABELS.class_names, class_iou(confusion), strict=True)
    classes = "  ".join(f"{name} {iou:.3f}" for name, iou in ious)
    print(f"{name:30} mean IoU {mean_iou(confusion):.3f}   {classes}", flush=True)
    return mean_iou(confusion)


def _confusion(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Returns the counts `(true class, predicted class)` of the pixels that are not void."""
    seen = truth != _LABELS.ignore_label
    classes = _LABELS.num_classes
    pairs = truth[seen].astype(np.int64) * classes + prediction[seen]
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def _colour_histogram(train: Sequence[Pair], val: Sequence[Pair]) -> np.ndarray:
    """Returns the better of two confusions, of the likeliest class with and without its prior."""
    counts = np.zeros((32**3, _LABELS.num_classes))
    for image, label in map(read_pair, train):
        seen = label != _LABELS.ignore_label
        np.add.at(counts, (_bins(image)[seen], label[seen]), 1)
    tables = [table.argmax(axis=1) for table in (counts, counts / counts.sum(axis=0))]
    return max([_colours_looked_up(table, val) for table in tables], key=mean_iou)


def _colours_looked_up(table: np.ndarray, pairs: Sequence[Pair]) -> np.ndarray:
    examples = map(read_pair, pairs)
    counts = [_confusion(label, table[_bins(image)]) for image, label in examples]
    return np.sum(counts, axis=0)


def _bins(image: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(image.astype(np.int64) // 8, -1, 0)
    return (red * 32 + green) * 32 + blue


def _boosted_patches(train: Sequence[Pair], val: Sequence[Pair]) -> np.ndarray:
    """Returns the better of two confusions, of trees fitted with and without balanced classes."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    features, truth = _samples(train, _TRAINING_PIXELS)
    unseen, unseen_truth = _samples(val, _VALIDATION_PIXELS)
    confusions = []
    for weights in (None, "balanced"):
        trees = HistGradientBoostingClassifier(
            class_weight=weights, early_stopping=False, random_state=0
        )
        trees.fit(features, truth)
        confusions.append(_confusion(unseen_truth, trees.predict(unseen)))
    return max(confusions, key=mean_iou)


def _samples(pairs: Sequence[Pair], pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the patch statistics and the labels of random pixels of each image."""
    generator = np.random.default_rng(0)
    features, labels = [], []
    for image, label in map(read_pair, pairs):
        rows, columns = np.nonzero(label != _LABELS.ignore_label)
        chosen = generator.choice(len(rows), pixels, replace=False)
        features.append(_patch_statistics(image)[rows[chosen], columns[chosen]])
        labels.append(label[rows[chosen], columns[chosen]])
    return np.concatenate(features), np.concatenate(labels)


def _patch_statistics(image: np.ndarray) -> np.ndarray:
    """Returns 24 values a pixel, `(H, W, 24)`, all from the 9x9 patch round it.

    Of each colour: the pixel itself, mean, standard deviation, least, largest, and the mean
    products of the two slopes.
    """
    from scipy.ndimage import maximum_filter, minimum_filter, uniform_filter

    pixels = image.astype(np.float32)
    average = functools.partial(uniform_filter, size=(9, 9, 1))
    mean = average(pixels)
    deviation = np.sqrt(np.maximum(average(pixels**2) - mean**2, 0))
    down, right = np.gradient(pixels, axis=(0, 1))
    slopes = [average(product) for product in (down**2, right**2, down * right)]
    extremes = [minimum_filter(pixels, (9, 9, 1)), maximum_filter(pixels, (9, 9, 1))]
    return np.concatenate([pixels, mean, deviation, *extremes, *slopes], axis=-1)


def _efficientfcn() -> keras.Model:
    return kerasseg.EfficientFCN(
        _BACKBONE, _LABELS.num_classes, num_codewords=32, fusion_filters=128, codeword_filters=256
    )


def _coarse_model() -> keras.Model:
    def decoder(features: Sequence[keras.KerasTensor], num_classes: int) -> keras.KerasTensor:
        return keras.layers.Conv2D(num_classes, 1, dtype="float32")(features[-1])

    return segmentation_model(
        decoder,
        _LABELS.num_classes,
        backbone=_BACKBONE,
        input_shape=(None, None, 3),
        backbone_weights="imagenet",
        weights=None,
        activation=None,
        align_corners=False,
        name="stride32",
    )


def _trained(
    model: keras.Model, train: Sequence[Pair], val: Sequence[Pair], epochs: int
) -> np.ndarray:
    keras.utils.set_random_seed(0)
    steps = len(train) // _BATCH_SIZE
    batches = training_batches(
        train,
        _LABELS,
        batch_size=_BATCH_SIZE,
        crop_size=(192, 192),
        scale=(0.75, 1.25),
        brightness=0.1,
        contrast=0.1,
        epochs=epochs,
    )
    rate = keras.optimizers.schedules.PolynomialDecay(1e-3, steps * epochs, 1e-6, power=0.9)
    twin = training_graph(model)
    twin.compile(
        keras.optimizers.AdamW(rate, weight_decay=1e-4),
        SegmentationCrossentropy(_LABELS.ignore_label),
    )
    twin.fit(batches, epochs=epochs, steps_per_epoch=steps, shuffle=False, verbose=2)
    batches = evaluation_batches(val, _LABELS, batch_size=_BATCH_SIZE)
    return confusion_matrix(model, batches, _LABELS)


if __name__ == "__main__":
    raise SystemExit(main())
