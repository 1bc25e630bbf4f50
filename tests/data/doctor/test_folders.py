"""Little data sets: what is inferred, what is judged without class names, what cannot be read."""

import shutil

import numpy as np
import pytest
from PIL import Image

from kerasseg.data import LabelEncoding, doctor
from kerasseg.data.doctor import examination
from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet
from tests.data.files import LABELS, write_folder


def maps_of(folder, *splits):
    return [path for split in splits or ("train", "val") for path in _maps(folder, split)]


def _maps(folder, split):
    return sorted((folder / split / "labels").iterdir())


def rewrite(paths, change):
    for path in paths:
        ids = np.asarray(Image.open(path)).astype(int)
        Image.fromarray(change(ids).astype(np.uint8)).save(path)


def diagnosed(folder, labels=None, **more):
    return doctor.diagnose(doctor.open_folder(folder, labels=labels, **more))


def kinds(diagnosis):
    return {finding.kind for finding in diagnosis.findings}


def places(diagnosis, kind):
    (finding,) = [finding for finding in diagnosis.findings if finding.kind == kind]
    return [place.path for place in finding.places]


def test_classes_are_inferred_from_the_values(folder):
    diagnosis = diagnosed(folder)
    assert diagnosis.findings == ()
    assert diagnosis.inferred
    assert (diagnosis.class_names, diagnosis.ignore_label) == (("0", "1", "2"), 255)


def test_a_void_label_that_is_given_is_not_inferred(folder):
    rewrite(maps_of(folder), lambda ids: np.where(ids == 255, 3, ids))
    diagnosis = diagnosed(folder, ignore_label=3)
    assert diagnosis.findings == ()
    assert len(diagnosis.class_names) == 3


@pytest.mark.parametrize("labels", [None, LabelSet(("ground", "box"))])
def test_masks_of_0_and_255(folder, labels):
    rewrite(maps_of(folder), lambda ids: np.where(ids == 1, 255, 0))
    diagnosis = diagnosed(folder, labels)
    assert kinds(diagnosis) == {"binary-mask"}
    assert "Write 1 in place of 255" in diagnosis.findings[0].advice
    assert places(diagnosis, "binary-mask") == [
        "/".join(path.parts[-3:]) for path in maps_of(folder)
    ]


def test_masks_of_0_and_255_in_one_split_alone(folder):
    rewrite(maps_of(folder, "train"), lambda ids: np.minimum(ids, 1))
    rewrite(maps_of(folder, "val"), lambda ids: np.where(ids == 1, 255, 0))
    diagnosis = diagnosed(folder, LabelSet(("ground", "box")))
    assert kinds(diagnosis) == {"binary-mask"}
    assert {path.split("/")[0] for path in places(diagnosis, "binary-mask")} == {"val"}


def test_a_map_of_ground_and_void_is_no_binary_mask_among_others(folder):
    rewrite(maps_of(folder)[:1], lambda ids: np.where(ids == 1, 255, 0))
    assert kinds(diagnosed(folder, LABELS)) == {"single-class"}


@pytest.mark.parametrize("labels", [None, LABELS])
def test_ids_that_begin_at_1(folder, labels):
    rewrite(maps_of(folder), lambda ids: np.where(ids == 255, 255, ids + 1))
    diagnosis = diagnosed(folder, labels)
    assert kinds(diagnosis) == {"one-too-high"}
    assert len(places(diagnosis, "one-too-high")) == 6
    assert "Subtract 1" in diagnosis.findings[0].advice


def test_grey_levels_without_class_names(folder):
    rewrite(maps_of(folder), lambda ids: np.where(ids == 255, 255, ids * 100))
    diagnosis = diagnosed(folder)
    assert kinds(diagnosis) == {"value-gaps"}
    assert diagnosis.findings[0].places[0].detail == "holds 0, 100, 200, 255"


def test_a_stray_value_without_class_names_is_named_with_its_file(folder):
    rewrite(maps_of(folder)[2:3], lambda ids: np.where(ids == 1, 77, ids))
    assert places(diagnosed(folder), "value-gaps") == ["train/labels/002.png"]


def test_a_value_that_never_occurs_is_a_warning_without_class_names(folder):
    rewrite(maps_of(folder), lambda ids: np.where(ids == 2, 3, ids))
    diagnosis = diagnosed(folder)
    assert kinds(diagnosis) == {"absent-class"}
    assert diagnosis.findings[0].places[0].detail == "2"
    assert diagnosis.is_healthy


def test_ids_of_more_than_8_bits_are_inferred(folder):
    for path in maps_of(folder):
        ids = np.asarray(Image.open(path)).astype(np.uint16)
        Image.fromarray(np.where(ids == 255, 65535, ids).astype(np.uint16)).save(path)
    diagnosis = diagnosed(folder)
    assert (diagnosis.class_names, diagnosis.ignore_label) == (("0", "1", "2"), 65535)
    assert kinds(diagnosis) == {"sixteen-bit-label"}


def test_wrong_values_are_counted_over_all_files(folder):
    rewrite(maps_of(folder)[1:3], lambda ids: np.where(np.arange(48) < 2, 9, ids))
    (finding,) = diagnosed(folder, LABELS).findings
    assert finding.summary == "9 (160 px); accepted are 0..2 and 255 for void"
    assert [place.detail for place in finding.places] == ["9 (80 px)", "9 (80 px)"]


def in_colours(folder, colours):
    for path in maps_of(folder):
        ids = np.asarray(Image.open(path))
        pixels = np.array([*colours, (255, 255, 255)], np.uint8)[np.minimum(ids, 3)]
        Image.fromarray(pixels).save(path)


COLOURS = ((0, 0, 0), (128, 0, 0), (0, 128, 0))


def test_colours_are_listed_with_the_way_to_give_them(folder):
    in_colours(folder, COLOURS)
    diagnosis = diagnosed(folder, LABELS)
    (finding,) = diagnosis.findings
    assert finding.kind == "rgb-label"
    assert (
        'labels = "colours" and palette = [[0, 0, 0], [0, 128, 0], [128, 0, 0], ' in finding.advice
    )
    assert "PNG, RGB of 8 bits; 4 colours: (" in finding.places[0].detail
    assert sum(diagnosis.colours.values()) == 4 * 40 * 48 + 2 * 48 * 48
    assert diagnosis.class_weights == {}


def test_grey_in_three_channels_asks_for_one(folder):
    in_colours(folder, [(n, n, n) for n in range(3)])
    (finding,) = diagnosed(folder, LABELS).findings
    assert "save one of them" in finding.advice


def test_colours_that_are_given_are_read(folder):
    in_colours(folder, COLOURS)
    numbers = {colour: number for number, colour in enumerate(COLOURS)}
    encoding = LabelEncoding(colours=numbers | {(255, 255, 255): 255})
    assert diagnosed(folder, LABELS, encoding=encoding).findings == ()
    diagnosis = diagnosed(folder, LABELS, encoding=LabelEncoding(colours=numbers))
    assert kinds(diagnosis) == {"values-outside"}
    assert "what stands for no class (" in diagnosis.findings[0].summary


def test_tiff_is_read_as_training_reads_it(folder):
    for path in [*(folder / "train/images").iterdir(), *maps_of(folder, "train")]:
        Image.open(path).save(path.with_suffix(".tif"))
        path.unlink()
    diagnosis = diagnosed(folder, LABELS)
    assert diagnosis.findings == ()
    assert diagnosis.splits["train"].image_kinds == {"TIFF, RGB": 4}
    assert diagnosis.splits["train"].label_kinds == {"TIFF, grey of 8 bits": 4}


def test_a_file_that_may_not_be_read_is_named(folder, monkeypatch):
    forbidden = folder / "train/labels/001.png"

    def load(pair):
        if pair.label == forbidden:
            raise PermissionError(13, "Permission denied", str(forbidden))
        return load_example(pair)

    load_example = examination.load_example
    monkeypatch.setattr(examination, "load_example", load)
    (finding,) = diagnosed(folder, LABELS).findings
    assert finding.kind == "unreadable-file"
    assert [tuple(vars(place).values()) for place in finding.places] == [
        ("train/labels/001.png", "Permission denied")
    ]


def test_images_that_are_all_the_same_are_named_once_each(tmp_path):
    for split, count in (("train", 3), ("val", 2)):
        for pair in write_folder(tmp_path, [(40, 48)] * count, split):
            Image.new("RGB", (48, 40)).save(pair.image)
    diagnosis = diagnosed(tmp_path, LABELS)
    assert kinds(diagnosis) == {"duplicate-across-splits"}
    assert len(places(diagnosis, "duplicate-across-splits")) == 5
    assert diagnosis.findings[0].places[0].detail == "as train/images/001.png and 3 more"


def test_doubles_of_another_shape_are_none(tmp_path):
    for split, size in (("train", (32, 48)), ("val", (48, 32))):
        write_folder(tmp_path, [size] * 2, split)
        for number in range(2):
            Image.new("RGB", size[::-1], (number, 0, 0)).save(
                tmp_path / split / f"images/{number:03}.png"
            )
    assert diagnosed(tmp_path, LABELS).findings == ()


def test_every_image_that_can_be_read_counts(tmp_path):
    write_folder(tmp_path, [(40, 48), (32, 64), (40, 48)])
    write_folder(tmp_path, [(40, 48)], "val")
    (tmp_path / "train/images/002.png").write_bytes(b"")
    train = diagnosed(tmp_path, LABELS).splits["train"]
    assert train.pairs == 3
    assert train.sizes == {"48x40": 1, "64x32": 1}
    pixels = np.concatenate(
        [
            np.asarray(Image.open(tmp_path / f"train/images/00{n}.png"), float).reshape(-1, 3)
            for n in (0, 1)
        ]
    )
    np.testing.assert_allclose(train.mean, pixels.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(train.deviation, pixels.std(axis=0), rtol=1e-9)


def test_class_figures_are_those_of_the_label_maps(folder):
    train = diagnosed(folder, LABELS).splits["train"]
    maps = np.stack([np.asarray(Image.open(path)) for path in maps_of(folder, "train")])
    assert train.classes.pixels == tuple(int((maps == n).sum()) for n in range(3))
    assert train.classes.images == (4, 4, 4)
    assert train.void_pixels == (maps == 255).sum()
    assert train.pixels == maps.size


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        (("train", "test"), "has no split 'test': it has train, val. Name those that there are"),
        ((), "no split of .* is to be examined"),
    ],
)
def test_a_split_that_is_not_there(folder, splits, message):
    with pytest.raises(KerassegError, match=message):
        doctor.open_folder(folder, splits)


def test_a_directory_that_is_not_there(tmp_path):
    with pytest.raises(KerassegError, match=r"no such data directory: .*nowhere"):
        doctor.open_folder(tmp_path / "nowhere")


def test_a_split_without_labels(folder):
    shutil.rmtree(folder / "val/labels")
    with pytest.raises(KerassegError, match="val has no folder labels/; it needs images/ and"):
        doctor.open_folder(folder)


def test_a_published_tree_is_examined_as_it_is_read(tmp_path, folder):
    root = tmp_path / "ADEChallengeData2016"
    for split, name in (("train", "training"), ("val", "validation")):
        for kind, place in (("images", "images"), ("labels", "annotations")):
            shutil.copytree(folder / split / kind, root / place / name)
    case = doctor.open_published("ade20k", root)
    diagnosis = doctor.diagnose(case)
    assert len(diagnosis.class_names) == 150
    assert diagnosis.splits["train"].pairs == 4
    # 255 is none of the numbers of ADE20K.
    assert places(diagnosis, "values-outside")[0] == "annotations/training/000.png"


def test_the_splits_of_a_published_data_set_are_the_usual_ones(monkeypatch, tmp_path, folder):
    from kerasseg.data.doctor import case

    assert case._usual(("train", "trainaug", "val", "trainval")) == ["train", "val"]
    assert case._usual(("trainval", "test")) == ["trainval", "test"]
    assert case._usual(("whole",)) == ["whole"]
