"""Splits become records: the same bytes whatever happened, and nothing that is not as it should."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import tensorflow as tf
from PIL import ExifTags, Image

from kerasseg.data import fingerprint, load, read_pair
from kerasseg.data.label_encoding import LabelEncoding
from kerasseg.data.records import shards, verify
from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet
from tests.data.files import LABELS, write_folder
from tests.training.runs import contents


def description(directory):
    return json.loads((directory / "dataset.json").read_text())["splits"]["train"]


@pytest.fixture
def counted(monkeypatch):
    """The examples that were looked at, which is what writing a shard begins with."""
    seen = []
    examine = shards.examine

    def look(example, labels):
        seen.append(example.name)
        return examine(example, labels)

    monkeypatch.setattr(shards, "examine", look)
    return seen


@pytest.fixture
def interrupted(monkeypatch, write):
    """Writes until the fifth example, one after the other, and is interrupted there."""
    examine = shards.examine

    def look(example, labels):
        if example.name.startswith("004"):
            raise KeyboardInterrupt
        return examine(example, labels)

    with monkeypatch.context() as patch:
        patch.setattr(shards, "examine", look)
        one_by_one = partial(ThreadPoolExecutor, max_workers=1)
        patch.setattr("kerasseg.data.records.writing.ThreadPoolExecutor", one_by_one)
        with pytest.raises(KeyboardInterrupt):
            write()


def test_images_stay_as_they_are_and_labels_become_ids(records, pairs):
    dataset = load("records", "train", data_dir=records)
    assert len(dataset) == len(pairs)
    for pair, (image, label) in zip(pairs, dataset, strict=True):
        expected_image, expected_label = read_pair(pair)
        assert np.array_equal(image, expected_image)
        assert np.array_equal(label, expected_label)
        assert (image.dtype, label.dtype) == (tf.uint8, tf.int32)


def test_the_description_says_what_the_files_are(records, pairs):
    split = description(records)
    assert split["fingerprint"] == fingerprint(pairs)
    assert (split["examples"], split["turned"], split["skipped"]) == (7, False, [])
    assert [shard["examples"] for shard in split["shards"]] == [2, 2, 3]
    assert split["shards"][2]["sizes"] == "24x32 32x24 24x32"
    files = sorted(path.name for path in records.iterdir())
    assert files == ["dataset.json", *(f"train-0000{n}-of-00003.tfrecord" for n in range(3))]


def encoded(pairs, kind):
    """Stores the ids of the second pair in another way."""
    ids = np.asarray(Image.open(pairs[1].label))
    if kind == "palette":
        picture = Image.fromarray(ids, "P")
        picture.putpalette([7] * 768)
        picture.save(pairs[1].label)
        return pairs
    colours = {(9, 9, 9): 0, (0, 0, 255): 1, (0, 255, 0): 2, (1, 2, 3): 255}
    for pair in pairs:
        ids = np.asarray(Image.open(pair.label))
        array = np.zeros((*ids.shape, 3), np.uint8)
        for colour, value in colours.items():
            array[ids == value] = colour
        Image.fromarray(array).save(pair.label)
    return [replace(pair, encoding=LabelEncoding(colours=colours)) for pair in pairs]


@pytest.mark.parametrize("kind", ["palette", "colours"])
def test_label_maps_of_any_encoding_become_grey_pngs_of_ids(write, pairs, tmp_path, kind):
    expected = [read_pair(pair)[1] for pair in pairs]
    write(pairs=encoded(pairs, kind))
    dataset = load("records", "train", tmp_path / "records")
    for label, (_, found) in zip(expected, dataset, strict=True):
        assert np.array_equal(found, label)


def test_ids_beyond_255_take_sixteen_bits(write, pairs, tmp_path):
    many = LabelSet(tuple(str(n) for n in range(300)), ignore_label=65535)
    Image.fromarray(np.full((24, 32), 299, np.uint16)).save(pairs[0].label)
    Image.fromarray(np.full((32, 24), 65535, np.uint16)).save(pairs[1].label)
    write(pairs=pairs[:3], labels=many)
    values = [int(label[0, 0]) for _, label in load("records", "train", tmp_path / "records")]
    assert values[:2] == [299, 65535]
    found = verify(tmp_path / "records").split("train").examples([2])[0].label
    assert Image.open(io.BytesIO(found)).mode.startswith("I")


@pytest.mark.parametrize("drawn", ["as stored", "upright"])
def test_a_turned_photo_and_its_label_come_upright(write, pairs, tmp_path, drawn):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.open(pairs[0].image).save(pairs[0].image, exif=exif, quality=95)
    if drawn == "upright":
        upright = Image.open(pairs[0].label).transpose(Image.Transpose.ROTATE_270)
        upright.save(pairs[0].label)
    image, label = read_pair(pairs[0])
    assert image.shape[:2] == label.shape == (32, 24)
    write()
    found = next(iter(load("records", "train", tmp_path / "records")))
    assert np.array_equal(found[0], image)
    assert np.array_equal(found[1], label)
    assert description(tmp_path / "records")["turned"]
    assert description(tmp_path / "records")["shards"][0]["sizes"] == "32x24*2"


def test_the_same_files_give_the_same_bytes(write, records, tmp_path):
    write(tmp_path / "again")
    assert contents(tmp_path / "again") == contents(records)


def test_an_interrupted_start_is_gone_on_with(interrupted, write, tmp_path, counted):
    out = tmp_path / "records"
    assert (out / "preparing").is_dir()
    assert not (out / "dataset.json").exists()
    write()
    assert sorted(counted) == ["004.jpg", "005.jpg", "006.jpg"]
    write(tmp_path / "undisturbed")
    assert contents(out) == contents(tmp_path / "undisturbed")


def cut_short(out, pairs):
    path = out / "train-00000-of-00003.tfrecord"
    path.write_bytes(path.read_bytes()[:-5])


def gone(out, pairs):
    (out / "train-00000-of-00003.tfrecord").unlink()


def note_cut_short(out, pairs):
    note = out / "preparing" / "train-00000-of-00003.tfrecord.json"
    note.write_text(note.read_text()[:20])


def other_label(out, pairs):
    Image.fromarray(np.zeros((24, 32), np.uint8)).save(pairs[0].label)


@pytest.mark.parametrize("disturb", [cut_short, gone, note_cut_short, other_label])
def test_what_is_no_longer_right_is_written_anew(
    interrupted, write, pairs, tmp_path, counted, disturb
):
    out = tmp_path / "records"
    disturb(out, pairs)
    write()
    assert "000.jpg" in counted
    assert "002.jpg" not in counted
    write(tmp_path / "undisturbed")
    assert contents(out) == contents(tmp_path / "undisturbed")


def test_finished_records_are_not_written_again(records, write, counted):
    before = contents(records)
    write()
    assert counted == []
    assert contents(records) == before


def refused(write, message, *arguments, **changes):
    with pytest.raises(KerassegError, match=message) as caught:
        write(*arguments, **changes)
    assert str(caught.value).count("\n") <= 1


OTHERS = {
    "number of shards .'train': 3., and .'train': 2. is asked for": {"shards": 2},
    "class names .*'ball'.* and .*'moon'.* is asked for": {
        "labels": LabelSet(("ground", "box", "moon"))
    },
    "source folder, and camvid is asked for": {"source": "camvid"},
}


@pytest.mark.parametrize("message", OTHERS)
def test_other_records_are_left_alone_unless_told_otherwise(records, write, message):
    before = contents(records)
    refused(write, message + ".* Give another directory, or say --overwrite", **OTHERS[message])
    assert contents(records) == before
    write(**OTHERS[message], overwrite=True)
    assert contents(records) != before


def test_records_of_other_files_are_left_alone(records, write, pairs):
    other_label(records, pairs)
    refused(write, "records of split 'train' that were made from other files")


def test_half_prepared_records_of_another_plan_are_left_alone(interrupted, write):
    refused(write, "half prepared records of other data or with other arguments", shards=2)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_directory_of_something_else_is_left_alone(write, tmp_path, overwrite):
    (tmp_path / "diary").mkdir()
    (tmp_path / "diary" / "may.txt").write_text("dear diary")
    refused(write, "is not empty and holds no records", tmp_path / "diary", overwrite=overwrite)
    assert contents(tmp_path / "diary") == {"may.txt": b"dear diary"}


def test_overwriting_spares_what_is_no_record(records, write):
    (records / "notes.txt").write_text("mine")
    write(overwrite=True, shards=2)
    assert (records / "notes.txt").read_text() == "mine"
    assert len(list(records.glob("*.tfrecord"))) == 2


def test_a_bad_example_is_named_and_the_shards_without_one_stay(write, pairs, tmp_path, counted):
    whole = pairs[3].image.read_bytes()
    pairs[3].image.write_bytes(whole[:-9])
    refused(write, "003.jpg is corrupt or cut short. Restore it")
    assert not (tmp_path / "records" / "dataset.json").exists()
    pairs[3].image.write_bytes(whole)
    counted.clear()
    write()
    assert "000.jpg" not in counted
    verify(tmp_path / "records")


def test_one_in_a_hundred_may_be_skipped_and_is_listed(write, pairs, tmp_path):
    many = write_folder(tmp_path / "many", [(16, 16)] * 100)
    many[7].image.write_bytes(b"")
    written = write(pairs=many, on_error="skip")
    (message,) = written.splits["train"].skipped
    assert str(many[7].image) in message
    assert written.splits["train"].examples == len(load("records", "train", tmp_path / "records"))
    assert write(pairs=many, on_error="skip") == written
    many[8].label.unlink()
    refused(write, "2 of 100 examples cannot be decoded; .* 1 % at most", pairs=many,
            on_error="skip", overwrite=True)  # fmt: skip


def test_a_wrong_label_is_never_skipped(write, tmp_path):
    many = write_folder(tmp_path / "many", [(16, 16)] * 100)
    Image.fromarray(np.full((16, 16), 7, np.uint8)).save(many[7].label)
    refused(write, "007.png holds the label 7", pairs=many, on_error="skip")


def test_usually_there_are_sixteen_files_of_at_least_one_example(write, pairs):
    assert len(write(shards=None).splits["train"].shards) == len(pairs)


def test_the_size_of_a_file_may_be_given(write, pairs, tmp_path):
    total = sum(path.stat().st_size for pair in pairs for path in (pair.image, pair.label))
    written = write(shards=None, shard_bytes=total // 2 + 1)
    assert len(written.splits["train"].shards) == 2


@pytest.mark.parametrize("wrong", [{"shards": 0}, {"shards": 2, "shard_bytes": 9}])
def test_shards_that_cannot_be(write, wrong):
    refused(write, "give either the number of shards or their size, at least 1", **wrong)


def test_an_empty_split(write):
    refused(write, "split 'train' is empty", pairs=[])


def test_a_bucket_holds_what_a_directory_does(write, records):
    write("ram://bucket/records")
    names = tf.io.gfile.listdir("ram://bucket/records")
    assert {name: tf.io.gfile.GFile(f"ram://bucket/records/{name}", "rb").read() for name in names}
    assert sorted(names) == sorted(contents(records))
    for name, expected in contents(records).items():
        with tf.io.gfile.GFile(f"ram://bucket/records/{name}", "rb") as stream:
            assert stream.read() == expected
    assert len(load("records", "train", data_dir="ram://bucket/records")) == 7


def test_a_bucket_that_cannot_be_reached(write):
    refused(write, "s9://bucket/records cannot be used: .*s9.* Beyond gs://", "s9://bucket/records")


def test_labels_are_those_that_were_given(records):
    assert verify(records).labels == LABELS
