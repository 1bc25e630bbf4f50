"""Little data sets: colours, TIFF, doubles, figures, splits, published trees."""

import builtins
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kerasseg.data import LabelEncoding, doctor, find_pairs
from kerasseg.data.doctor.case import _usual
from kerasseg.errors import KerassegError
from tests.data.doctor.looks import diagnosed, kinds, maps_of, places
from tests.data.files import LABELS, write_folder


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


def test_more_colours_than_classes_can_have_are_blended(folder):
    noise = np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)
    Image.fromarray(noise).save(folder / "train/labels/000.png")
    (finding,) = diagnosed(folder, LABELS).findings
    assert "colours (blended, by JPEG or by a resize): (" in finding.places[0].detail


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


def test_the_doctor_converts_no_tiff_on_the_disk(folder, tmp_path, capsys):
    (tmp_path / "home").write_text("where nothing can be written")
    for path in (folder / "train/images").iterdir():
        Image.open(path).save(path.with_suffix(".tif"))
        path.unlink()
    bad = folder / "train/images/002.tif"
    bad.write_bytes(bad.read_bytes()[:500])
    diagnosis = diagnosed(folder, LABELS)
    assert kinds(diagnosis) == {"corrupt-image"}
    assert places(diagnosis, "corrupt-image") == ["train/images/002.tif"]
    assert capsys.readouterr().err == ""


def test_pairs_that_could_not_be_converted_are_found_in_a_case_of_ones_own(folder):
    old = folder / "train/images/001.jpg"
    Image.open(old).save(old.with_suffix(".tif"))
    old.unlink()
    old.with_suffix(".tif").write_bytes(old.with_suffix(".tif").read_bytes()[:500])
    case = doctor.Case(folder, {"train": find_pairs(folder, "train")}, LABELS)
    (finding,) = doctor.diagnose(case).findings
    assert finding.kind == "unconvertible-file"
    assert "train/images/001.tif cannot be read as a TIFF" in finding.places[0].detail


def test_a_bad_image_does_not_hide_its_label_map(folder):
    (folder / "train/images/001.jpg").write_bytes(b"")
    Image.new("L", (48, 40), 7).save(folder / "train/labels/001.png")
    diagnosis = diagnosed(folder, LABELS)
    assert kinds(diagnosis) == {"corrupt-image", "values-outside"}


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_file_that_may_not_be_read_is_named(folder, monkeypatch, suffix):
    forbidden = folder / f"train/labels/001{suffix}"
    Image.open(folder / "train/labels/001.png").save(forbidden)
    for other in {".png", ".tif"} - {suffix}:
        forbidden.with_suffix(other).unlink(missing_ok=True)
    refuse_to_open(forbidden, monkeypatch)
    (finding,) = diagnosed(folder, LABELS).findings
    assert finding.kind == "unreadable-file"
    assert [tuple(vars(place).values()) for place in finding.places] == [
        (f"train/labels/001{suffix}", "Permission denied")
    ]


def refuse_to_open(forbidden, monkeypatch):
    """Has Path.read_bytes and Pillow, which opens by the built-in function, find no right."""

    def guarded(open_file):
        def checked(path, *arguments, **options):
            if str(path) == str(forbidden):
                raise PermissionError(13, "Permission denied", str(path))
            return open_file(path, *arguments, **options)

        return checked

    monkeypatch.setattr(builtins, "open", guarded(open))
    monkeypatch.setattr(Path, "read_bytes", guarded(Path.read_bytes))


def test_images_that_are_all_the_same_are_named_once_each(tmp_path):
    for split, count in (("train", 3), ("val", 2)):
        for pair in write_folder(tmp_path, [(40, 48)] * count, split):
            Image.new("RGB", (48, 40)).save(pair.image)
    diagnosis = diagnosed(tmp_path, LABELS)
    assert kinds(diagnosis) == {"duplicate-across-splits"}
    assert len(places(diagnosis, "duplicate-across-splits")) == 5
    assert diagnosis.findings[0].places[0].detail == "as train/images/001.png and 3 more"


def test_a_file_that_two_splits_list(folder):
    pairs = doctor.open_folder(folder).splits["train"]
    case = doctor.Case(folder, {"train": pairs, "trainval": pairs[:1]}, LABELS)
    (finding,) = doctor.diagnose(case).findings
    assert finding.kind == "duplicate-across-splits"
    assert [place.detail for place in finding.places] == ["as in trainval", "as in train"]


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


def test_annotations_in_the_format_of_coco(tmp_path):
    square = {
        "id": 1,
        "image_id": 1,
        "category_id": 1,
        "segmentation": [[0, 0, 20, 0, 20, 10, 0, 10]],
    }
    for number, split in enumerate(("train", "val")):
        (tmp_path / split).mkdir()
        Image.new("RGB", (40, 34), (number, 0, 0)).save(tmp_path / split / "one.png")
        contents = {
            "images": [{"id": 1, "file_name": "one.png", "height": 34, "width": 40}],
            "categories": [{"id": 1, "name": "leaf"}],
            "annotations": [square],
        }
        (tmp_path / split / "_annotations.coco.json").write_text(json.dumps(contents))
    diagnosis = doctor.diagnose(doctor.open_published("coco_json", tmp_path))
    assert diagnosis.findings == ()
    assert diagnosis.class_names == ("background", "leaf")


def test_the_splits_of_a_published_data_set_are_the_usual_ones():
    assert _usual(("train", "trainaug", "val", "trainval")) == ["train", "val"]
    assert _usual(("trainval", "test")) == ["trainval", "test"]
    assert _usual(("whole",)) == ["whole"]
