"""Decoded images that are kept: in memory, on disk, or not at all."""

import gc
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerasseg.data import disk, open_records, read_pair, training_batches
from kerasseg.data.decoded import flat_reader
from kerasseg.data.feeds import cache_of
from kerasseg.data.loading import dataset
from kerasseg.data.memory import decoded_in_memory
from kerasseg.data.records import PairSource
from kerasseg.data.records.writing import write_records
from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet
from tests.data.files import LABELS, write_folder
from tests.data.test_batches import EVERYTHING, equal, listed


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASSEG_HOME", str(tmp_path / "home"))


@pytest.fixture
def pairs(tmp_path):
    return write_folder(tmp_path / "files", [(40, 56), (56, 40), (33, 71)])


def contents(read, count=3):
    return [tuple(part.numpy() for part in read(number)) for number in range(count)]


def expected(pairs):
    return [read_pair(pair) for pair in pairs]


@pytest.mark.parametrize(
    "labels", [LABELS, LabelSet(LABELS.class_names, None, 999)], ids=["8 bits", "16 bits"]
)
@pytest.mark.parametrize("keep", [decoded_in_memory, disk.decoded_on_disk])
def test_a_cache_gives_what_the_files_hold(pairs, labels, keep):
    if labels.ignore_label == 999:
        _with_void_of_sixteen_bits(pairs)
    read = keep(pairs, labels)
    assert equal(contents(read), expected(pairs))
    inside_map = tf.data.Dataset.range(3).map(read)
    assert equal(listed(inside_map), expected(pairs))


def _with_void_of_sixteen_bits(pairs):
    for pair in pairs:
        ids = np.asarray(Image.open(pair.label)).astype(np.uint16)
        Image.fromarray(np.where(ids == 255, 999, ids).astype(np.uint16)).save(pair.label)


def test_batches_from_disk_are_those_from_files(pairs):
    options = {"batch_size": 2, "crop_size": (32, 48), "epochs": 2, "seed": 4}
    both = [training_batches(pairs, LABELS, **options, cache=name) for name in ("disk", "none")]
    assert equal(*map(listed, both))


def test_its_size_is_said_before_it_is_built(pairs, capsys, tmp_path, monkeypatch):
    decoded_in_memory(pairs, LABELS)
    assert capsys.readouterr().err == "decoding 3 images into memory: 0.0 MB\n"
    monkeypatch.setattr(disk, "in_words", lambda size: f"{size} bytes")
    disk.decoded_on_disk(pairs, LABELS)
    size = 4 * (40 * 56 + 56 * 40 + 33 * 71)
    said = capsys.readouterr().err
    assert said.startswith(f"decoding 3 images into {tmp_path / 'home' / 'decoded'}")
    assert said.endswith(f": {size} bytes\n")
    (folder,) = (tmp_path / "home" / "decoded").iterdir()
    assert sum(path.stat().st_size for path in folder.iterdir()) == size


def test_what_is_on_disk_is_not_decoded_again(pairs, monkeypatch, capsys):
    disk.decoded_on_disk(pairs, LABELS)
    capsys.readouterr()
    monkeypatch.setattr(disk, "fill", None)
    assert equal(contents(disk.decoded_on_disk(pairs, LABELS)), expected(pairs))
    assert capsys.readouterr().err == ""


def test_other_contents_have_another_place(pairs):
    disk.decoded_on_disk(pairs, LABELS)
    pairs[0].image.write_bytes(pairs[1].image.read_bytes())
    pairs[0].label.write_bytes(pairs[1].label.read_bytes())
    for changed in (pairs, pairs[::-1]):
        assert equal(contents(disk.decoded_on_disk(changed, LABELS)), expected(changed))


def test_what_was_half_written_is_not_taken(pairs, tmp_path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(disk, "fill", killed)
        with pytest.raises(KeyboardInterrupt):
            disk.decoded_on_disk(pairs, LABELS)
    assert list((tmp_path / "home" / "decoded").iterdir()) == []
    assert equal(contents(disk.decoded_on_disk(pairs, LABELS)), expected(pairs))


def test_what_another_process_writes_meanwhile_is_taken(pairs, monkeypatch, tmp_path):
    def overtaken(*arguments):
        with monkeypatch.context() as patch:
            patch.setattr(disk, "fill", fill)
            disk.decoded_on_disk(pairs, LABELS)

    fill = disk.fill
    monkeypatch.setattr(disk, "fill", overtaken)
    assert equal(contents(disk.decoded_on_disk(pairs, LABELS)), expected(pairs))


def test_a_disk_that_is_too_small(pairs, monkeypatch, tmp_path):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 9})())
    with pytest.raises(KerassegError, match=r"are free in .*home.decoded.\nName another place as"):
        disk.decoded_on_disk(pairs, LABELS)
    assert list((tmp_path / "home" / "decoded").iterdir()) == []


def test_an_unknown_cache_gets_the_nearest():
    with pytest.raises(KerassegError, match="unknown cache 'memmory': did you mean 'memory'"):
        cache_of("memmory")
    assert cache_of(True) == cache_of("memory") == "memory"


def test_a_file_of_more_than_two_gigabytes_is_read_in_its_place(tmp_path):
    size, count = (1 << 12, 1 << 12), 50  # a file with holes, which takes no room
    area = size[0] * size[1]
    arrays = []
    for name, length in (("pixels", 3 * area * count), ("ids", area * count)):
        with (tmp_path / name).open("wb") as stream:
            stream.truncate(length)
            stream.seek(length - 1)
            stream.write(b"\x07")
        arrays.append(np.memmap(tmp_path / name, np.uint8, "c"))
    read = flat_reader(*arrays, [size] * count)
    image, label = read(count - 1)
    assert (image.shape, label.shape) == ((*size, 3), size)
    assert (int(image[-1, -1, -1]), int(label[-1, -1]), int(image[0, 0, 0])) == (7, 7, 0)


def resident():
    """Returns the memory that this process holds, in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


STREAMS = ["load", "none", "labels", "memory", "disk", "records"]


@pytest.fixture(params=STREAMS)
def stream(request, pairs, tmp_path):
    """Twelve thousand small examples, those that are trained on in batches of ten."""
    if request.param == "load":
        return dataset(pairs * 4000, LABELS)
    options = {"batch_size": 10, "crop_size": (32, 32), "epochs": 40, **EVERYTHING}
    if request.param != "records":
        return training_batches(pairs * 100, LABELS, cache=request.param, **options)
    source = {"train": PairSource(pairs * 100)}
    write_records(source, LABELS, tmp_path / "records", source="folder")
    split = open_records(tmp_path / "records").split("train")
    return training_batches(split, LABELS, cache="none", **options)


@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="Linux tells its memory here")
@pytest.mark.slow
def test_memory_stays_flat_over_ten_thousand_examples(stream):
    length = len(stream)
    assert length in (1200, 12_000)
    for number, _ in enumerate(stream):
        if number == length // 6:
            gc.collect()
            after_warm_up = resident()
    gc.collect()
    assert resident() - after_warm_up < 20
