import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from kerasseg.data import check_pairs, find_pairs, read_pair, shapes
from kerasseg.data.shapes_scene import CLASS_NAMES, SIZES, VOID, WIRE, draw_scene
from kerasseg.errors import KerassegError

SMALL = {"train": 3, "val": 2}


@pytest.fixture
def folder(tmp_path):
    return shapes.ensure(tmp_path / "scenes", **SMALL)


@pytest.fixture(scope="module")
def scenes():
    return [draw_scene(np.random.default_rng((1, n))) for n in range(60)]


def describe(folder):
    return json.loads((folder / "dataset.json").read_text())


def change(folder, **entries):
    (folder / "dataset.json").write_text(json.dumps(describe(folder) | entries))


def refused(folder, message, **arguments):
    with pytest.raises(KerassegError, match=message) as caught:
        shapes.ensure(folder, **(SMALL | arguments))
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize("there", [False, True], ids=["nothing", "an empty directory"])
def test_several_that_write_it_at_once_have_it_in_common(tmp_path, there):
    target = tmp_path / "scenes"
    if there:
        target.mkdir()
    with ThreadPoolExecutor(4) as pool:
        places = list(pool.map(lambda _: shapes.ensure(target, **SMALL), range(4)))
    assert places == [target] * 4
    assert [path.name for path in tmp_path.iterdir()] == ["scenes"]
    assert shapes.ensure(target, **SMALL) == target


def test_the_files_are_a_good_folder_data_set(folder):
    assert [len(find_pairs(folder, split)) for split in ("train", "val")] == [3, 2]
    for split in ("train", "val"):
        check_pairs(find_pairs(folder, split), shapes.LABELS)
    assert find_pairs(folder, "val")[0].image.suffix == ".jpg"


def test_the_description_names_version_seed_and_hash(folder):
    description = describe(folder)
    assert description["generator_version"] == shapes.GENERATOR_VERSION
    assert {key: description[key] for key in ("seed", "train", "val")} == {"seed": 0, **SMALL}
    assert {len(value) for value in description["fingerprint"].values()} == {64}


def test_the_same_seed_gives_the_same_scenes_and_another_gives_others(folder, tmp_path):
    again = shapes.write(tmp_path / "again", **SMALL)
    other = shapes.write(tmp_path / "other", seed=1, **SMALL)
    prints = [describe(each)["fingerprint"] for each in (folder, again, other)]
    assert prints[0] == prints[1] != prints[2]
    assert prints[0]["train"] != prints[0]["val"]


def test_scenes_are_drawn_once(folder, monkeypatch):
    monkeypatch.setattr(shapes, "draw_scene", None)
    assert shapes.ensure(folder, **SMALL) == folder
    assert shapes.ensure(folder) == folder


def test_what_another_process_writes_meanwhile_is_taken(folder, monkeypatch):
    def overtaken(path, **_):
        folder.rename(path)
        raise FileExistsError(path)

    monkeypatch.setattr(shapes, "write", overtaken)
    assert shapes.ensure(folder.parent / "late", **SMALL) == folder.parent / "late"


def test_an_empty_directory_is_filled(tmp_path):
    assert (shapes.ensure(tmp_path, **SMALL) / "train").is_dir()


def test_a_directory_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "diary.txt").write_text("dear diary")
    refused(
        tmp_path, "does not hold the shapes data set: expected dataset.json, .*; found diary.txt"
    )
    assert (tmp_path / "diary.txt").exists()


def test_write_never_overwrites(folder):
    with pytest.raises(KerassegError, match="exists already: remove it"):
        shapes.write(folder, **SMALL)


def test_another_generator_version_is_refused(folder):
    change(folder, generator_version=0)
    refused(folder, "generator_version 0, and 4 is asked for: remove it")


def test_another_seed_or_number_is_refused(folder):
    refused(folder, "seed 0, and 5 is asked for", seed=5)
    refused(folder, "train 3, and 4 is asked for", train=4)


def test_changed_files_are_refused(folder):
    label = find_pairs(folder, "val")[1].label
    label.write_bytes(find_pairs(folder, "val")[0].label.read_bytes())
    refused(folder, "files were changed since they were written")


def test_a_broken_description_is_refused(folder):
    (folder / "dataset.json").write_text("{")
    refused(folder, "dataset.json cannot be read")


def test_an_empty_split_is_refused(tmp_path):
    refused(tmp_path / "none", "each split needs at least one scene", val=0)


def test_every_class_covers_one_percent(scenes):
    counts = sum(np.bincount(label.ravel(), minlength=256) for _, label in scenes)
    shares = counts[: len(CLASS_NAMES)] / counts.sum()
    assert shares.min() >= 0.01
    assert counts[len(CLASS_NAMES) : VOID].sum() == 0
    assert 0.05 < counts[VOID] / counts.sum() < 0.2


def test_sizes_vary(scenes):
    assert {label.shape for _, label in scenes} == set(SIZES)
    assert all(image.shape == (*label.shape, 3) for image, label in scenes)


def test_void_lies_between_the_classes(scenes):
    for _, label in scenes[:20]:
        for one, other in ((label[1:], label[:-1]), (label[:, 1:], label[:, :-1])):
            assert np.all((one == other) | (one == VOID) | (other == VOID))


def test_wires_are_thin(scenes):
    widths = []
    for _, label in scenes:
        wire = np.pad(label == WIRE, ((0, 0), (1, 1)))
        turns = np.diff(wire.astype(np.int8), axis=1)
        widths += (np.nonzero(turns == -1)[1] - np.nonzero(turns == 1)[1]).tolist()
    assert 3 <= np.median(widths) <= 9


def test_the_colours_tell_no_class(scenes):
    """The mean colour of each class over many scenes is about that of the others."""
    sums, counts = np.zeros((8, 3)), np.zeros(8)
    for image, label in scenes:
        for number in range(8):
            inside = label == number
            if inside.any():
                sums[number] += image[inside].mean(axis=0)
                counts[number] += 1
    means = sums / counts[:, None]
    assert np.abs(means - means.mean(axis=0)).max() < 35


def test_a_written_label_is_the_drawn_one(folder):
    _, label = draw_scene(np.random.default_rng((0, 1, 1)))
    assert np.array_equal(read_pair(find_pairs(folder, "val")[1])[1], label)
