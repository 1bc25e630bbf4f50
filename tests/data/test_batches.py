from dataclasses import fields

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerasseg.data import Augmentation, evaluation_batches, memory, training_batches
from kerasseg.data.decoded import decoded_bytes
from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet
from tests.data.files import LABELS, write_folder

COLOURS = {"brightness": 0.2, "contrast": 0.2, "saturation": 0.2}
EVERYTHING = {
    "crop": "class_balanced",
    "rotation": 20,
    "vertical_flip": True,
    "hue": 0.1,
    "blur_probability": 0.5,
    "jpeg_probability": 0.5,
    "cutout_probability": 0.5,
    "grid_mask_probability": 0.5,
    "cutmix_probability": 0.5,
    "copy_paste_probability": 0.5,
}
WITH_KERAS_CV = EVERYTHING | {"photometric": "keras_cv"}


def test_everything_is_all_that_an_augmentation_does():
    named = {field.name for field in fields(Augmentation)}
    limits = {"scale", "blur_sigma", "jpeg_quality", "cutout_size", "grid_mask_ratio"}
    assert named - {"crop_size", "flip"} - limits == {*WITH_KERAS_CV, *COLOURS}


def listed(dataset):
    return [tuple(part.numpy() for part in batch) for batch in dataset]


def equal(some, others):
    same_parts = (
        np.array_equal(part, other_part)
        for batch, other in zip(some, others, strict=True)
        for part, other_part in zip(batch, other, strict=True)
    )
    return len(some) == len(others) and all(same_parts)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    sizes = [(40, 56), (56, 40), (40, 56), (33, 71), (40, 56), (56, 40), (40, 56)]
    return write_folder(tmp_path_factory.mktemp("folder"), sizes)


def batches(pairs, **changes):
    arguments = {"batch_size": 2, "crop_size": (32, 48), "epochs": 3, "seed": 4, **COLOURS}
    return training_batches(pairs, LABELS, **{**arguments, **changes})


def test_an_epoch_has_full_batches_alone(pairs):
    dataset = batches(pairs)
    assert len(dataset) == 3 * (7 // 2)
    assert dataset.element_spec == (
        tf.TensorSpec((2, 32, 48, 3), tf.float32),
        tf.TensorSpec((2, 32, 48), tf.int32),
    )
    assert len(listed(dataset)) == 9


def test_values_are_pixels_and_class_ids(pairs):
    for image, label in listed(batches(pairs)):
        assert 0 <= image.min() <= image.max() <= 255
        assert set(np.unique(label)) <= {0, 1, 2, 255}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first_epoch", "options"), [(1, {}), (2, {}), (3, {}), (2, EVERYTHING), (1, WITH_KERAS_CV)]
)
def test_a_resumed_data_set_goes_on_bit_by_bit(pairs, first_epoch, options):
    assert equal(
        listed(batches(pairs, **options))[3 * first_epoch :],
        listed(batches(pairs, first_epoch=first_epoch, **options)),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [{}, EVERYTHING, WITH_KERAS_CV], ids=["plain", "everything", "keras_cv"]
)
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_the_files_give_what_the_memory_gives(tmp_path, suffix, options):
    files = write_folder(tmp_path, [(40, 56), (56, 40), (33, 71), (64, 96)], suffix=suffix)
    assert equal(
        listed(batches(files, cache=True, **options)),
        listed(batches(files, cache=False, **options)),
    )


@pytest.mark.parametrize("cache", ["none", "labels", "memory", "disk"])
def test_padding_is_void_where_the_files_hold_fewer_bits_than_void_needs(
    tmp_path, cache, monkeypatch
):
    """With 256 classes void has to lie beyond the 8 bits of the label maps."""
    monkeypatch.setenv("KERASSEG_HOME", str(tmp_path / "home"))
    pairs = write_folder(tmp_path, [(24, 32)] * 2)
    for pair in pairs:
        Image.fromarray(np.full((24, 32), 7, np.uint8)).save(pair.label)
    many = LabelSet(tuple(str(number) for number in range(256)), ignore_label=65535)
    options = {"batch_size": 2, "crop_size": (48, 48), "scale": (1, 1), "cache": cache}
    for _, labels in training_batches(pairs, many, **options):
        assert np.unique(labels, return_counts=True)[1].tolist() == [
            2 * 24 * 32,
            2 * (48 * 48 - 24 * 32),
        ]
        assert np.unique(labels).tolist() == [7, 65535]


def test_an_image_takes_parts_of_the_next_of_its_batch(pairs):
    plain = {"scale": (1, 1), "brightness": 0, "contrast": 0, "saturation": 0}
    alone, mixed = (listed(batches(pairs, **plain, cutmix_probability=share)) for share in (0, 1))
    for (images, labels), (new_images, new_labels) in zip(alone, mixed, strict=True):
        taken = np.any(new_images != images, axis=-1) | (new_labels != labels)
        assert np.array_equal(new_images[taken], images[::-1][taken])
        assert np.array_equal(new_labels[taken], labels[::-1][taken])
    assert not equal(alone, mixed)


def test_epochs_and_seeds_differ(pairs):
    first = listed(batches(pairs))
    assert not equal(first[:3], first[3:6])
    assert not equal(first, listed(batches(pairs, seed=5)))


def test_an_epoch_shows_no_image_twice(pairs):
    plain = {"scale": (1, 1), "flip": False, "brightness": 0, "contrast": 0, "saturation": 0}
    found = listed(batches(pairs, crop_size=(80, 80), **plain))
    for epoch in range(3):
        numbers = [
            int(np.median(image[label != 255][:, 0]))
            for images, labels in found[3 * epoch : 3 * epoch + 3]
            for image, label in zip(images, labels, strict=True)
        ]
        assert len(set(numbers)) == 6


def test_the_memory_is_four_bytes_a_pixel_and_five_for_many_classes(pairs):
    area = 4 * 40 * 56 + 2 * 40 * 56 + 33 * 71
    many = LabelSet(tuple(str(n) for n in range(300)), ignore_label=65535)
    assert decoded_bytes(pairs, LABELS) == 4 * area
    assert decoded_bytes(pairs, many) == 5 * area


def test_a_cache_that_does_not_fit_is_refused(pairs, monkeypatch):
    monkeypatch.setattr("kerasseg.data.memory._free_memory", lambda: 1000)
    with pytest.raises(KerassegError, match=r"Pass cache=.disk.*--set data\.cache=disk"):
        batches(pairs)


GROUPS = {
    "no limit": ({"memory.max": "max", "memory.current": "9"}, []),
    "version 2": ({"memory.max": "1000", "memory.current": "900"}, [1000 - 900 + 70]),
    "version 1": (
        {"memory/memory.limit_in_bytes": "500", "memory/memory.usage_in_bytes": "600"},
        [0],
    ),
    "none": ({}, []),
}


@pytest.mark.parametrize("kind", GROUPS)
def test_the_limit_of_a_container_counts(tmp_path, kind):
    files, expected = GROUPS[kind]
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
        (tmp_path / name).with_name("memory.stat").write_text(
            "anon 20\ninactive_file 70\ntotal_inactive_file 70\n"
        )
    assert list(memory._free_in_container(tmp_path)) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 8}, "batch_size 8 with 7 training images: give 1..7"),
        ({"batch_size": 0}, "batch_size 0 with 7"),
        ({"first_epoch": 4}, "first_epoch 4 and epochs 3"),
        ({"crop_size": (0, 4)}, "crop_size is .height, width."),
        ({"scale": (2, 1)}, "scale is .smallest, largest."),
        ({"contrast": 1.5}, "contrast lies within 0..1"),
        ({"rotations": 5}, "unknown argument of training_batches 'rotations': .* 'rotation'"),
        ({"cutmix_probability": 0.5, "batch_size": 1}, "batch_size is 1: give at least 2"),
    ],
)
def test_arguments_out_of_range_are_named(pairs, arguments, message):
    with pytest.raises(KerassegError, match=message):
        batches(pairs, **arguments)


def test_evaluation_sees_every_image_once_in_batches_of_one_size(pairs):
    dataset = evaluation_batches(pairs, LABELS, batch_size=3)
    seen = [int(one[0, 0, 0]) for image, _ in listed(dataset) for one in image]
    assert [image.shape for image, _ in listed(dataset)] == [
        (3, 40, 56, 3),
        (1, 40, 56, 3),
        (2, 56, 40, 3),
        (1, 33, 71, 3),
    ]
    assert len(dataset) == 4
    assert seen == [0, 2, 4, 6, 1, 5, 3]


def test_evaluation_batches_are_filled_up_with_void(pairs):
    dataset = evaluation_batches(pairs, LABELS, batch_size=4, pad_to_multiple=2)
    assert [len(image) for image, _ in listed(dataset)] == [4, 2, 2]
    assert np.all(listed(dataset)[2][1][1] == 255)


def test_equal_sizes_stay_known_and_in_order(tmp_path):
    pairs = write_folder(tmp_path, [(32, 48)] * 5)
    dataset = evaluation_batches(pairs, LABELS, batch_size=2)
    assert dataset.element_spec[0].shape.as_list() == [None, 32, 48, 3]
    assert [int(one[0, 0, 0]) for image, _ in listed(dataset) for one in image] == [0, 1, 2, 3, 4]


def test_evaluation_refuses_a_batch_that_is_no_multiple(pairs):
    with pytest.raises(KerassegError, match="batch size that is a multiple"):
        evaluation_batches(pairs, LABELS, batch_size=3, pad_to_multiple=2)


def test_a_strategy_of_two_replicas_shares_each_batch(pairs):
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], cross_device_ops=tf.distribute.HierarchicalCopyAllReduce()
    )
    for dataset in (
        batches(pairs),
        evaluation_batches(pairs, LABELS, batch_size=4, pad_to_multiple=2),
    ):
        shared = strategy.experimental_distribute_dataset(dataset)
        for whole, parts in zip(dataset, shared, strict=False):
            images = strategy.experimental_local_results(parts[0])
            assert [len(part) for part in images] == [len(whole[0]) // 2] * 2
            assert np.array_equal(np.concatenate(images), whole[0])
