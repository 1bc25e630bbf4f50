"""Epochs from records: every example once, decided by seed and number of the epoch alone."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from kerasseg.data import (
    class_histogram,
    evaluation_batches,
    open_records,
    read_pair,
    training_batches,
    verify_records,
)
from kerasseg.data.feeds import names_in_feed, training_feed
from kerasseg.data.memory import decoded_in_memory
from kerasseg.data.streams import some_examples
from kerasseg.errors import KerassegError
from tests.data.files import LABELS, write_folder
from tests.data.records.conftest import SIZES
from tests.data.test_batches import equal, listed


def batches(source, **changes):
    arguments = {"batch_size": 2, "crop_size": (48, 48), "epochs": 3, "seed": 4, "cache": "none"}
    return training_batches(source, LABELS, **{**arguments, **changes})


def feed(split, seed=4, first_epoch=0):
    """Returns epoch, place, image and label map of three epochs of six of the seven examples."""
    examples, _ = training_feed(
        split, LABELS, "none", seed=seed, first_epoch=first_epoch, epochs=3, length=6
    )
    return [tuple(part.numpy() for part in (*place, *parts)) for *place, parts in examples]


@pytest.fixture
def pairs(tmp_path):
    return write_folder(tmp_path / "files", SIZES)


def test_an_epoch_shows_every_image_once_but_for_the_last_batch(split, pairs):
    found = feed(split)
    assert [parts[:2] for parts in found] == [(e, place) for e in range(3) for place in range(6)]
    epochs = [tuple(parts[2] for parts in found if parts[0] == number) for number in range(3)]
    assert all(len(set(epoch)) == 6 for epoch in epochs)
    assert len(set(epochs)) == 3
    partners = {pair.image.read_bytes(): pair.label.read_bytes() for pair in pairs}
    assert set().union(*epochs) == partners.keys()
    assert all(partners[image] == label for _, _, image, label in found)


@pytest.mark.parametrize("first_epoch", [1, 3])
def test_an_epoch_depends_on_its_number_and_the_seed_alone(split, first_epoch):
    tf.random.set_seed(first_epoch)
    assert feed(split)[6 * first_epoch :] == feed(split, first_epoch=first_epoch)
    assert feed(split) != feed(split, seed=5)


def test_many_blocks_are_shuffled_as_one_is(split, monkeypatch):
    monkeypatch.setattr("kerasseg.data.streams._BLOCK_BYTES", 900)  # about two examples
    found = feed(split)
    epochs = [tuple(parts[2] for parts in found if parts[0] == number) for number in range(3)]
    assert all(len(set(epoch)) == 6 for epoch in epochs)
    assert len(set(epochs)) == 3


def test_resumed_batches_go_on_bit_by_bit(split):
    dataset = batches(split)
    whole = listed(dataset)
    assert len(dataset) == len(whole) == 9
    assert equal(whole[6:], listed(batches(split, first_epoch=2)))


def test_a_cache_of_records_gives_what_the_files_give(split, pairs):
    read = decoded_in_memory(split, LABELS)
    for number, pair in enumerate(pairs):
        for found, expected in zip(read(number), read_pair(pair), strict=True):
            assert np.array_equal(found, expected)


def test_evaluation_sees_every_image_once_in_batches_of_one_size(split, pairs):
    dataset = evaluation_batches(split, LABELS, batch_size=2, pad_to_multiple=2)
    found, expected = listed(dataset), listed(
        evaluation_batches(pairs, LABELS, batch_size=2, pad_to_multiple=2)
    )  # fmt: skip
    assert len(dataset) == len(found) == len(expected) == 4
    for image, label in found:
        assert any(
            np.array_equal(image, other) and np.array_equal(label, truth)
            for other, truth in expected
        )


def test_the_sizes_are_known_without_a_look_at_the_records(split, monkeypatch):
    monkeypatch.setattr(tf.data, "TFRecordDataset", None)
    assert split.sizes[:4] == [(24, 32), (32, 24), (24, 32), (33, 41)]
    assert len(split) == 7


def test_single_examples_are_had_by_their_place(split, pairs):
    found = split.examples([0, 3, 6])
    assert [example.name for example in found] == ["000.png", "003.png", "006.png"]
    assert found[1].image == pairs[3].image.read_bytes()
    assert some_examples(split, 2) == split.examples([0, 6])


def test_an_unknown_split_gets_the_nearest(records):
    with pytest.raises(KerassegError, match=r"dataset.json 'trian': did you mean 'train'"):
        open_records(records).split("trian")


def test_no_such_records(tmp_path):
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(KerassegError, match=r"holds no dataset.json: .* training.prepare"):
            open_records(path)


def shard(folder):
    return folder / "train-00001-of-00003.tfrecord"


def missing(folder):
    shard(folder).unlink()


def shorter(folder):
    shard(folder).write_bytes(shard(folder).read_bytes()[:-1])


@pytest.mark.parametrize(
    ("spoil", "message"), [(missing, "is missing"), (shorter, "has .* bytes and not")]
)
def test_a_file_that_is_not_whole_is_seen_at_once(records, spoil, message):
    spoil(records)
    with pytest.raises(KerassegError, match=rf"00001-of-00003.tfrecord {message}"):
        open_records(records)


def test_a_changed_byte_is_found_by_the_checksum(records):
    contents = bytearray(shard(records).read_bytes())
    contents[len(contents) // 2] ^= 1
    shard(records).write_bytes(contents)
    assert open_records(records)
    with pytest.raises(KerassegError, match=r"00001-of-00003.tfrecord is not as it was written"):
        verify_records(records)


def describe(folder, text):
    (folder / "dataset.json").write_text(text)


BROKEN = {
    "is not JSON": "{",
    "has schema version 99; this kerasseg reads version 1. Use kerasseg 9.0": json.dumps(
        {"schema_version": 99, "kerasseg_version": "9.0"}
    ),
    "describes no records: kerasseg_version: Field required": "{}",
    "describes no records: ": "[]",
}


@pytest.mark.parametrize("message", BROKEN)
def test_a_broken_description(records, message):
    describe(records, BROKEN[message])
    with pytest.raises(KerassegError, match=message):
        open_records(records)


def test_half_prepared_records_are_not_trained_on(records):
    (records / "preparing").mkdir()
    (records / "dataset.json").unlink()
    with pytest.raises(KerassegError, match=r"half prepared records: the same training\.prepare"):
        open_records(records)


def test_records_may_be_moved(records, split, tmp_path):
    moved = open_records(shutil.move(records, tmp_path / "elsewhere")).split("train")
    assert moved.fingerprint == split.fingerprint
    assert len(listed(moved.in_order())) == 7


def test_the_histogram_of_records_is_that_of_the_files(split, pairs):
    assert class_histogram(split, LABELS) == class_histogram(pairs, LABELS)


@pytest.mark.parametrize("cache", ["memory", "none"])
@pytest.mark.parametrize("kind", ["records", "files"])
def test_the_images_of_a_batch_are_named(split, pairs, kind, cache):
    source = split if kind == "records" else pairs
    names = names_in_feed(source, cache, seed=4, epoch=1, places=range(2, 4))
    assert len(names) == 2
    if kind == "records" and cache == "none":
        contents = [parts[2] for parts in feed(split)[6:][2:4]]
        assert [(pairs[0].image.parent / name).read_bytes() for name in names] == contents
        return
    examples, _ = training_feed(source, LABELS, cache, seed=4, first_epoch=1, epochs=2, length=6)
    indices = [int(parts[0]) for _, _, parts in examples][2:4]
    in_order = [name.decode() for name, _, _ in split.in_order().as_numpy_iterator()]
    everything = in_order if kind == "records" else [str(pair.image) for pair in pairs]
    assert names == [everything[index] for index in indices]
