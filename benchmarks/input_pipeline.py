"""Compares input pipelines: decoding alone, kerasseg's, keras.layers' and keras-cv's.

    python -m benchmarks.input_pipeline --data-dir DIR [--rounds 5] [--print-only]

DIR is a folder data set of JPEG photos of one size, such as CamVid (480x360). Each contender reads
the training split from its files and gives batches of 8 crops of 256x320 with their label maps:
scaled by 0.5 to 2, cropped, flipped, brightness, contrast and saturation changed. The rounds take
turns in one process; printed are the medians in images a second on all cores, and the ratios.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from kerasseg import data
from kerasseg.data import batches
from kerasseg.data.feeds import Cache
from kerasseg.data.headers import image_size
from kerasseg.data.reading import paths
from kerasseg.label_set import LabelSet

PAGE = Path(__file__).parents[1] / "docs" / "data.md"
BATCH, CROP = 8, (256, 320)
EPOCHS = 4  # a round, so that its start counts for little
SCALE = (0.5, 2.0)
BRIGHTNESS, CONTRAST, SATURATION = 0.15, 0.3, 0.3

Contender = Callable[[Sequence[data.Pair], LabelSet], tf.data.Dataset]


def decoding_alone(pairs: Sequence[data.Pair], labels: LabelSet) -> tf.data.Dataset:
    """Every file decoded and nothing done with it: the bound of a pipeline that reads files."""
    return _decoded(pairs).prefetch(tf.data.AUTOTUNE)


def kerasseg_files(pairs: Sequence[data.Pair], labels: LabelSet) -> tf.data.Dataset:
    """What `training.train` reads with `cache = "none"`."""
    return _training_batches(pairs, labels, "none")


def kerasseg_labels(pairs: Sequence[data.Pair], labels: LabelSet) -> tf.data.Dataset:
    """What it reads with `cache = "labels"`."""
    return _training_batches(pairs, labels, "labels")


def kerasseg_memory(pairs: Sequence[data.Pair], labels: LabelSet) -> tf.data.Dataset:
    """What `training.train` reads from its cache."""
    return _training_batches(pairs, labels, "memory")


def keras_layers(pairs: Sequence[data.Pair], labels: LabelSet) -> tf.data.Dataset:
    """The random layers of Keras; they know neither void nor sizes that differ."""
    layers = keras.layers
    steps = [
        layers.RandomZoom((1 / SCALE[1] - 1, 1 / SCALE[0] - 1), fill_mode="constant"),
        layers.RandomCrop(*CROP),
        layers.RandomFlip("horizontal"),
        layers.RandomBrightness(BRIGHTNESS, value_range=(0, 255)),
        layers.RandomContrast(CONTRAST, value_range=(0, 255)),
        layers.RandomSaturation(SATURATION, value_range=(0, 255)),
    ]
    return _by_layers(pairs, steps)


def keras_cv_layers(pairs: Sequence[data.Pair], labels: LabelSet) -> tf.data.Dataset:
    """The random layers of keras-cv."""
    from keras_cv import layers

    steps = [
        layers.JitteredResize(target_size=CROP, scale_factor=SCALE),
        layers.RandomFlip("horizontal"),
        layers.RandomBrightness(BRIGHTNESS, value_range=(0, 255)),
        layers.RandomContrast(value_range=(0, 255), factor=CONTRAST),
        layers.RandomSaturation((0.5 - SATURATION / 2, 0.5 + SATURATION / 2)),
    ]
    return _by_layers(pairs, steps)


CONTENDERS: dict[str, Contender] = {
    "decoding alone": decoding_alone,
    "kerasseg, from files": kerasseg_files,
    "kerasseg, label maps from memory": kerasseg_labels,
    "kerasseg, from memory": kerasseg_memory,
    "keras.layers": keras_layers,
    "keras-cv": keras_cv_layers,
}


def _training_batches(
    pairs: Sequence[data.Pair], labels: LabelSet, cache: Cache
) -> tf.data.Dataset:
    return data.training_batches(
        pairs,
        labels,
        batch_size=BATCH,
        crop_size=CROP,
        scale=SCALE,
        brightness=BRIGHTNESS,
        contrast=CONTRAST,
        saturation=SATURATION,
        cache=cache,
        epochs=EPOCHS,
    )


def _decoded(pairs: Sequence[data.Pair]) -> tf.data.Dataset:
    size = image_size(pairs[0].image)

    def decode(image: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pixels = tf.io.decode_jpeg(tf.io.read_file(image), channels=3)
        ids = tf.io.decode_png(tf.io.read_file(label), channels=1)
        return tf.ensure_shape(pixels, (*size, 3)), tf.ensure_shape(ids, (*size, 1))

    files = tf.data.Dataset.from_tensor_slices(paths(pairs)).shuffle(len(pairs)).repeat(EPOCHS)
    return files.map(decode, num_parallel_calls=batches.CALLS)


def _by_layers(pairs: Sequence[data.Pair], steps: Sequence[Any]) -> tf.data.Dataset:
    def augment(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        batch = {"images": images, "segmentation_masks": labels}
        for step in steps:
            batch = step(batch, training=True)
        return batch["images"], batch["segmentation_masks"]

    examples = _decoded(pairs).batch(BATCH, drop_remainder=True)
    return examples.map(augment, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def _images_a_second(dataset: tf.data.Dataset) -> float:
    images, begin = 0, time.perf_counter()
    for image, _ in dataset:
        images += image.shape[0] if len(image.shape) == 4 else 1
    return images / (time.perf_counter() - begin)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures every contender and prints the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--print-only", action="store_true", help="leave the page as it is")
    options = parser.parse_args(arguments)
    pairs = data.find_pairs(options.data_dir, "train")
    labels = LabelSet(tuple(str(number) for number in range(255)), ignore_label=255)
    # tf.data's own choice of threads is the slower one at times, for all of them.
    fixed = tf.data.Options()
    fixed.autotune.enabled = False
    datasets = {
        name: contender(pairs, labels).with_options(fixed) for name, contender in CONTENDERS.items()
    }
    speeds: dict[str, list[float]] = {name: [] for name in datasets}
    for turn in range(options.rounds + 1):
        for name, dataset in datasets.items():
            speed = _images_a_second(dataset)
            # The first round traces the graphs and brings the files into memory.
            if turn:
                speeds[name].append(speed)
    table = _table({name: statistics.median(values) for name, values in speeds.items()})
    print(table)
    if not options.print_only:
        from benchmarks import page_table

        page_table.replace("benchmarks/input_pipeline.py", table, PAGE)


def _table(medians: dict[str, float]) -> str:
    lines = ["| pipeline | images a second | to decoding alone |", "|---|---|---|"]
    for name, median in medians.items():
        lines.append(f"| {name} | {median:.0f} | {median / medians['decoding alone']:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
