"""What a smoke test keeps of a recipe and what it changes."""

import pytest

from kerasseg.data import find_pairs
from kerasseg.data.miniature import write_miniature
from kerasseg.errors import KerassegError
from kerasseg.experiment.smoke import changes, num_train_images, smoke_labels, smoke_recipe
from kerasseg.recipe import EXAMPLE, parse_recipe, read_recipe
from tests.recipe.shipped import NAMES, RECIPES


def smoke_of(recipe, replicas=1):
    return smoke_recipe(recipe, smoke_labels(recipe), replicas)


@pytest.mark.parametrize("path", RECIPES, ids=NAMES)
def test_network_loss_optimizer_and_schedule_are_those_of_the_recipe(path):
    recipe = read_recipe(path)
    smoke = smoke_of(recipe)
    assert smoke.loss == recipe.loss
    assert smoke.optimizer == recipe.optimizer
    assert smoke.output == recipe.output
    none = {"backbone_weights": "none", "weights": "none"}
    assert smoke.model.model_dump() == recipe.model.model_dump() | none
    crop = {"crop_size": (96, 96)}
    assert smoke.augmentation.model_dump() == recipe.augmentation.model_dump() | crop
    few = {
        "epochs": 1,
        "batch_size": min(2, recipe.training.batch_size),
        "validate_every": 1,
    }
    assert smoke.training.model_dump() == recipe.training.model_dump() | few


@pytest.mark.parametrize("path", RECIPES, ids=NAMES)
def test_the_classes_and_their_void_are_those_of_the_recipe(path):
    recipe = read_recipe(path)
    labels = smoke_labels(recipe)
    smoke = smoke_of(recipe)
    assert smoke.data.dataset == "folder"
    assert smoke.data.class_names == labels.class_names
    assert smoke.data.ignore_label == labels.ignore_label
    assert smoke.data.cache == recipe.data.cache


@pytest.mark.parametrize(("accumulated", "images"), [(1, 4), (2, 4), (16, 32)])
def test_there_are_images_for_one_step_of_the_optimizer_at_least(accumulated, images):
    recipe = parse_recipe(EXAMPLE, [f"optimizer.accumulate_steps={accumulated}"])
    assert num_train_images(smoke_of(recipe)) == images


@pytest.mark.parametrize(("batch", "replicas", "expected"), [(1, 1, 1), (8, 4, 8), (4, 4, 4)])
def test_every_device_has_an_image(batch, replicas, expected):
    recipe = parse_recipe(EXAMPLE, [f"training.batch_size={batch}"])
    assert smoke_of(recipe, replicas).training.batch_size == expected


def test_what_is_mixed_keeps_a_batch_to_mix():
    recipe = parse_recipe(EXAMPLE, ["augmentation.cutmix_probability=0.5"])
    assert smoke_of(recipe).training.batch_size == 2


def test_every_change_is_said():
    recipe = parse_recipe(EXAMPLE, ["model.weights=runs/one/model.keras"])
    assert list(changes(recipe, smoke_of(recipe))) == [
        "model.backbone_weights = 'none' in place of 'imagenet'",
        "model.weights = 'none' in place of 'runs/one/model.keras'",
        "data.dataset = 'folder' in place of 'camvid'",
        "augmentation.crop_size = [96, 96] in place of [256, 320]",
        "training.epochs = 1 in place of 30",
        "training.batch_size = 2 in place of 8",
    ]


def test_a_folder_without_class_names_gets_two():
    recipe = parse_recipe(EXAMPLE, ["data.dataset=folder"])
    assert smoke_labels(recipe).class_names == ("background", "object")


def test_the_classes_of_tensorflow_datasets_need_no_data():
    recipe = parse_recipe(EXAMPLE, ["data.dataset=tfds:oxford_iiit_pet"])
    assert smoke_labels(recipe).class_names == ("background", "pet")


@pytest.mark.parametrize("dataset", ["coco_json", "records"])
def test_classes_that_the_data_hold_need_the_data(dataset, tmp_path):
    recipe = parse_recipe(EXAMPLE, [f"data.dataset={dataset}"])
    with pytest.raises(KerassegError, match="data"):
        smoke_labels(recipe)
    with pytest.raises(KerassegError, match="nowhere"):
        smoke_labels(recipe, tmp_path / "nowhere")


def test_the_images_of_two_smoke_tests_are_the_same(tmp_path):
    labels = smoke_labels(parse_recipe(EXAMPLE))
    files = []
    for name in ("one", "other"):
        folder = write_miniature(tmp_path / name, labels, {"train": 2})
        pairs = find_pairs(folder, "train")
        files.append([path.read_bytes() for pair in pairs for path in (pair.image, pair.label)])
    assert files[0] == files[1]
    assert len({*files[0]}) == 4
