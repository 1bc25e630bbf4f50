"""What the section `[data]` stands for."""

import numpy as np
import pytest
from PIL import Image

from kerasseg.data import check_pairs, read_pair
from kerasseg.errors import KerassegError
from kerasseg.recipe import DataRecipe, open_source
from tests.data.files import LABELS, write_folder
from tests.data.test_coco_json import box, write
from tests.data.trees import ade20k

PALETTE = ((0, 0, 0), (200, 0, 0), (0, 200, 0))
NAMES = LABELS.class_names


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASSEG_HOME", str(tmp_path / "home"))


def test_a_folder_of_ids(tmp_path):
    pairs = write_folder(tmp_path, [(24, 32)] * 2)
    source = open_source(DataRecipe(dataset="folder", class_names=NAMES), tmp_path)
    assert source.labels.class_names == NAMES
    assert source.find("train") == pairs


def test_a_folder_of_colours(tmp_path):
    pairs = write_folder(tmp_path, [(24, 32)] * 2)
    expected = [read_pair(pair)[1] for pair in pairs]
    colours = np.array([*PALETTE, *[(9, 9, 9)] * 253], np.uint8)
    for pair, ids in zip(pairs, expected, strict=True):
        Image.fromarray(colours[ids]).save(pair.label)
    recipe = DataRecipe(
        dataset="folder",
        directory=str(tmp_path),
        class_names=NAMES,
        palette=PALETTE,
        labels="colours",
        void_colours=((9, 9, 9),),
    )
    source = open_source(recipe)
    assert source.labels.colours == PALETTE
    found = source.find("train")
    check_pairs(found, source.labels)
    for pair, ids in zip(found, expected, strict=True):
        assert np.array_equal(read_pair(pair)[1], ids)


def test_annotations_of_coco(tmp_path):
    write(tmp_path, [{"category_id": 7, "segmentation": box(0, 0, 5, 5)}])
    source = open_source(DataRecipe(dataset="coco_json"), tmp_path)
    assert source.labels.class_names == ("background", "stem", "leaf")
    assert (read_pair(source.find("train")[0])[1] == 2).sum() == 25


def test_a_data_set_of_the_catalogue(tmp_path):
    written = ade20k.write(tmp_path)
    source = open_source(DataRecipe(dataset="ade20k", directory="/elsewhere"), tmp_path)
    assert source.labels.num_classes == 150
    assert {pair.name for pair in source.find("val")} == set(written["val"])


@pytest.mark.parametrize("dataset", ["folder", "coco_json"])
def test_no_directory(dataset):
    message = f"data.dataset is '{dataset}' and no directory is given: say --data-dir DIR"
    with pytest.raises(KerassegError, match=message):
        open_source(DataRecipe(dataset=dataset, class_names=NAMES if dataset == "folder" else ()))


def test_coco_takes_its_classes_from_its_files():
    with pytest.raises(ValueError, match=r"data.class_names is for .*'coco_json' has its own"):
        DataRecipe(dataset="coco_json", class_names=NAMES)
