"""Parts of every batch: together they are the batches of one machine."""

import numpy as np
import pytest

from kerasseg.data import evaluation_batches, open_records, training_batches
from kerasseg.data.records import PairSource
from kerasseg.data.records.writing import write_records
from kerasseg.errors import KerassegError
from tests.data.files import LABELS, write_folder

SIZES = [(40, 56), (56, 40), (40, 56), (33, 71), (40, 56), (56, 40), (40, 56), (40, 56)]
MIXED = {"cutmix_probability": 0.7, "copy_paste_probability": 0.7}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("folder"), [*SIZES, (40, 56)])


@pytest.fixture(scope="module")
def records(pairs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    write_records({"train": PairSource(pairs)}, LABELS, folder, source="test", shards=3)
    return open_records(folder).split("train")


def listed(dataset):
    batches = [tuple(part.numpy() for part in batch) for batch in dataset]
    assert len(batches) == len(dataset)
    return batches


def put_together(parts):
    """Returns the batches that some parts make, one behind the other."""
    return [
        tuple(np.concatenate(tensors) for tensors in zip(*batch, strict=True))
        for batch in zip(*parts, strict=True)
    ]


def assert_equal(some, others):
    assert len(some) == len(others)
    for batch, other in zip(some, others, strict=True):
        for part, expected in zip(batch, other, strict=True):
            np.testing.assert_array_equal(part, expected)


@pytest.mark.parametrize(
    ("parts", "options"),
    [(2, {}), (2, MIXED), (2, {"cache": "labels"}), (4, {"cache": "none"})],
    ids=str,
)
def test_the_parts_are_the_batches_of_one_machine(pairs, parts, options):
    arguments = {"batch_size": 4, "crop_size": (32, 48), "epochs": 3, "first_epoch": 1, "seed": 4}
    whole = listed(training_batches(pairs, LABELS, **arguments, **options))
    own = [
        listed(training_batches(pairs, LABELS, share=(n, parts), **arguments, **options))
        for n in range(parts)
    ]
    assert len(whole) == 2 * 2
    assert {len(images) for part in own for images, _ in part} == {4 // parts}
    assert_equal(put_together(own), whole)


def test_records_that_are_read_shard_by_shard(records):
    arguments = {"batch_size": 4, "crop_size": (32, 48), "epochs": 2, "cache": "none"}
    own = [listed(training_batches(records, LABELS, share=(n, 2), **arguments)) for n in range(2)]
    assert_equal(put_together(own), listed(training_batches(records, LABELS, **arguments)))


def test_the_shapes_of_a_part_are_known(pairs):
    for options in ({}, MIXED):
        dataset = training_batches(
            pairs, LABELS, batch_size=4, crop_size=(32, 48), share=(1, 2), **options
        )
        assert [spec.shape.as_list() for spec in dataset.element_spec] == [
            [2, 32, 48, 3],
            [2, 32, 48],
        ]


def test_an_epoch_of_all_machines_together_shows_no_image_twice(pairs):
    plain = {"scale": (1, 1), "flip": False, "crop_size": (80, 80), "batch_size": 3}
    seen = [
        int(np.median(image[label != 255][:, 0]))
        for n in range(3)
        for images, labels in listed(training_batches(pairs, LABELS, share=(n, 3), **plain))
        for image, label in zip(images, labels, strict=True)
    ]
    assert sorted(seen) == list(range(9))


@pytest.mark.parametrize("source", ["pairs", "records"])
@pytest.mark.parametrize(("parts", "multiple"), [(4, 4), (2, 4)])
def test_evaluation_sees_every_image_once_and_void_beside(source, parts, multiple, request):
    split = request.getfixturevalue(source)
    arguments = {"batch_size": 4, "pad_to_multiple": multiple}
    own = [
        listed(evaluation_batches(split, LABELS, share=(n, parts), **arguments))
        for n in range(parts)
    ]
    assert len({len(part) for part in own}) == 1  # as many steps on every machine
    assert_equal(put_together(own), listed(evaluation_batches(split, LABELS, **arguments)))
    real = [
        int(image[0, 0, 0])
        for part in own
        for images, labels in part
        for image, label in zip(images, labels, strict=True)
        if (label != 255).any()
    ]
    assert sorted(real) == list(range(9))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"share": (0, 3)}, "a batch of 4 images for 3 machines: give a multiple of 3"),
        ({"share": (2, 2)}, r"share \(2, 2\): give the number of a part, 0\.\.1"),
        ({"share": (-1, 2)}, r"share \(-1, 2\)"),
    ],
)
def test_parts_that_there_are_not(pairs, arguments, message):
    with pytest.raises(KerassegError, match=message):
        training_batches(pairs, LABELS, batch_size=4, crop_size=(32, 48), **arguments)
    with pytest.raises(KerassegError, match=message):
        evaluation_batches(pairs, LABELS, batch_size=4, pad_to_multiple=4, **arguments)
