import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasseg.errors import KerassegError
from kerasseg.recipe import (
    ARCHITECTURES,
    EXAMPLE,
    difference,
    parse_recipe,
    read_recipe,
    recipe_text,
)
from kerasseg.recipe.recipe import _WITHOUT_EFFECT

FOLDER = EXAMPLE.replace('dataset = "camvid"', 'dataset = "folder"\nclass_names = ["a", "b"]')


def refused(message, text=EXAMPLE, *changes):
    with pytest.raises(KerassegError, match=message) as caught:
        parse_recipe(text, changes)
    assert str(caught.value).count("\n") <= 1


@pytest.mark.parametrize("path", sorted(Path("training/recipes").glob("*.toml")), ids=str)
def test_the_shipped_recipes_are_valid(path):
    recipe = read_recipe(path)
    assert parse_recipe(recipe_text(recipe)) == recipe


UNKNOWN = {
    "training.epoch=3": r"unknown recipe key in \[training\] 'epoch': did you mean 'epochs'",
    "optimizer.lerning_rate=1": r"in \[optimizer\] 'lerning_rate': did you mean 'learning_rate'",
    "augmentation.cropsize=1": r"in \[augmentation\] 'cropsize': did you mean 'crop_size'",
    "data.data_set='x'": r"in \[data\] 'data_set': did you mean 'dataset'",
    "output.picture=1": r"in \[output\] 'picture': did you mean 'pictures'",
    "model.num_codeword=1": r"in \[model\] 'num_codeword': did you mean 'num_codewords'",
    "model.pooling_blocks=2": r"in \[model\] 'pooling_blocks'",  # RefineNet's
    "model.num_classes=2": r"in \[model\] 'num_classes'",
    "model.input_shape=[64, 64, 3]": r"in \[model\] 'input_shape'",
    "trainin.epochs=3": "unknown section of a recipe 'trainin': did you mean 'training'",
    "model.architecture=Refinenet": "unknown architecture 'Refinenet': did you mean 'RefineNet'",
    "model.backbone=resnet11": "unknown backbone 'resnet11': did you mean 'resnet101'",
    "model.backbone=xception": "'xception' is no backbone: ",
    "data.dataset=foldr": "unknown data set 'foldr': did you mean 'folder'",
    "data.dataset=tfds:pets": "unknown data set 'tfds:pets'.* Accepted: .*tfds:oxford_iiit_pet",
    "data.cache=memmory": "unknown cache 'memmory': did you mean 'memory'",
}


@pytest.mark.parametrize("change", UNKNOWN)
def test_an_unknown_name_has_its_nearest(change):
    refused(UNKNOWN[change], EXAMPLE, change)


@pytest.mark.parametrize("key", ["epochs", "crop_size", "learning_rate"])
def test_a_typo_in_a_key_that_must_be_there_is_called_a_typo(key):
    text = EXAMPLE.replace(key, key[:-1] + "z")
    refused(f"'{key[:-1]}z': did you mean '{key}'", text)


def test_a_typo_where_the_builder_has_keys_of_its_own():
    text = EXAMPLE.replace("architecture", "architektur")
    refused("model.architecture is missing: is it meant by 'architektur'?", text)


BAD = {
    "training.epochs=0": r"training.epochs: give a number of at least 1; received 0",
    "training.epochs=": r"training.epochs: give a whole number; received ''",
    "training.seed=-1": r"training.seed: .*; received -1",
    "training.precision=float16": r"unknown training.precision 'float16': did you mean 'float32'",
    "training.batch_norm=freeze": r"training.batch_norm 'freeze': did you mean 'frozen'. .*frozen",
    "training.deterministic=maybe": r"training.deterministic: give true or false; received 'maybe'",
    "training.class_weights=[1, 1]": r"training.class_weights is now loss.class_weights: move",
    "training.jit_compile=true": r"training.jit_compile = true needs training.deterministic = fal",
    "optimizer.name=Adam": r"unknown optimizer.name 'Adam': did you mean 'AdamW'. Accepted: Ada",
    "optimizer.name=sgd": r"unknown optimizer.name 'sgd': did you mean 'SGD'",
    "optimizer.schedule=polly": r"unknown optimizer.schedule 'polly': did you mean 'poly'",
    "loss.terms=dice": r"loss.terms: give a list, as in \[\"dice\"\]; received 'dice'",
    "training.devices=GPU:0": r"training.devices: give a list, as in \[.GPU:0.\]; received 'GPU",
    "optimizer.learning_rate=inf": r"optimizer.learning_rate: give a finite number; received inf",
    "optimizer.learning_rate=0": r"optimizer.learning_rate: give a number above 0; received 0",
    "optimizer.average=1": r"optimizer.average: give a number below 1; received 1",
    "augmentation.crop_size=[256]": r"crop_size.1 is missing: give a longer list; received \[25",
    "augmentation.crop_size=[9, 9, 9]": r"augmentation.crop_size: give a list of 2; received \[9",
    "augmentation.scale=[2.0, 1.0]": r"scale is \(smallest, largest\)",
    "augmentation.brightness=1.5": r"brightness lies within 0..1; got 1.5",
    "augmentation.crop=balanced": r"unknown crop 'balanced': did you mean 'class_balanced'",
    "augmentation.photometric=keras-cv": r"unknown photometric 'keras-cv': .* 'keras_cv'",
    "augmentation.cutmix_probability=2": r"cutmix_probability: give a number of at most 1; rec",
    "augmentation.jpeg_quality=[90, 30]": r"jpeg_quality is \(smallest, largest\) within 1..100",
    "model.dropout=x": r"model.dropout: give a number; received 'x'",
    "model.num_codewords=1.5": r"num_codewords: give a whole number or 'auto'; received 1.5",
    "data.class_names=['a']": r"data.class_names is for data.dataset = 'folder'; 'camvid' has",
    "data.on_error=skp": r"unknown data.on_error 'skp': did you mean 'skip'",
    "data.ignore_label=3": r"data.ignore_label is for data.dataset = 'folder'",
    "data.labels=colours": r"data.labels is for data.dataset = 'folder'; 'camvid' has its own",
    "data.labels=colors": r"unknown data.labels 'colors': did you mean 'colours'",
    "data.dataset=coco_json.": r"unknown data set 'coco_json.': did you mean 'coco_json'",
    "data.dataset=nyudv2": r"data.validation_split 'val' is no split of nyudv2: it has train, tes",
    "data.train_split=trian": r"data.train_split 'trian' is no split of camvid: it has train, va",
    "epochs=3": r"--set takes section.key=value; received 'epochs=3'",
    "training.epochs": r"--set takes section.key=value",
    "training.a.b=3": r"--set takes section.key=value",
}


@pytest.mark.parametrize("change", BAD)
def test_a_bad_value_is_named(change):
    refused(BAD[change], EXAMPLE, change)


def test_a_dilated_fcn_has_backbones_of_its_own():
    of_example = EXAMPLE.replace("num_codewords = 48", "").replace("EfficientFCN", "DilatedFCN")
    refused(
        "'efficientnet_lite0' is none of DilatedFCN's, which takes resnet50, resnet101, resnet152",
        of_example,
    )
    assert parse_recipe(of_example, ["model.backbone=resnet50"]).model.backbone == "resnet50"


@pytest.mark.parametrize("value", ["true", "false"])
@pytest.mark.parametrize("architecture", ["EfficientFCN", "DilatedFCN"])
def test_a_key_that_the_builder_refuses_gets_the_reason_of_the_builder(architecture, value):
    text = EXAMPLE.replace("num_codewords = 48", "").replace("EfficientFCN", architecture)
    changes = ("model.backbone=resnet50", f"model.rematerialize={value}")
    with pytest.raises(KerassegError) as of_builder:
        ARCHITECTURES[architecture]("resnet50", rematerialize=True)
    reason = str(of_builder.value).removeprefix(f"{architecture} has no argument 'rematerialize'")
    assert "its decoder has no block that could be computed once more" in reason
    with pytest.raises(KerassegError) as of_recipe:
        parse_recipe(text, changes)
    expected = f"recipe: model.rematerialize is no recipe key for {architecture}{reason}"
    assert str(of_recipe.value) == expected


def test_a_key_that_another_builder_has_is_taken_there():
    text = EXAMPLE.replace("num_codewords = 48", "").replace("EfficientFCN", "RefineNet")
    assert parse_recipe(text, ["model.rematerialize=true"]).model.options["rematerialize"] is True


@pytest.mark.parametrize("stop", [1, 5])
def test_a_training_that_ends_before_the_rate_of_a_plateau_drops(stop):
    changes = ("optimizer.schedule=plateau", f"training.stop_after={stop}")
    message = f"training.stop_after = {stop} ends the .* after 5 validations .* at least 6, or 0"
    refused(message, EXAMPLE, *changes)
    assert parse_recipe(EXAMPLE, changes[1:]).training.stop_after == stop
    assert parse_recipe(EXAMPLE, [changes[0], "training.stop_after=6"]).training.stop_after == 6


def test_a_training_cannot_stop_before_it_begins():
    refused("training.stop_after: .* 0; received -1", EXAMPLE, "training.stop_after=-1")


def test_when_to_stop_is_part_of_the_fingerprint():
    without, never, early = (
        parse_recipe(EXAMPLE, changes).fingerprint
        for changes in ((), ["training.stop_after=0"], ["training.stop_after=3"])
    )
    assert without == never != early


def test_a_run_from_before_there_was_the_key_goes_on():
    before = {**_WITHOUT_EFFECT, "training": {*_WITHOUT_EFFECT["training"], "stop_after"}}
    resolved = parse_recipe(EXAMPLE).model_dump(mode="json", exclude=before)
    text = json.dumps(resolved, sort_keys=True)
    assert parse_recipe(EXAMPLE).fingerprint == hashlib.sha256(text.encode()).hexdigest()


def test_images_of_one_a_batch_cannot_be_mixed():
    changes = ("augmentation.cutmix_probability=0.5", "training.batch_size=1")
    refused("batch_size is 1: give at least 2, or set both to 0", EXAMPLE, *changes)


def test_a_folder_of_a_single_class_lacks_the_background():
    refused(
        r"""data.class_names names 'leaf' alone: .* as in \["background", "leaf"\]""",
        FOLDER,
        "data.class_names=['leaf']",
    )


COLOURS = {
    ("data.labels=colours",): "data.labels = 'colours' needs data.palette, the RGB colour of each",
    ("data.void_colours=[[0, 0, 0]]",): "data.void_colours is for data.labels = 'colours'",
    (
        "data.labels=colours",
        "data.palette=[[1, 2, 3], [4, 5, 6]]",
        "data.void_colours=[[1, 2, 3]]",
    ): r"the colour \[1, 2, 3\] comes twice; a colour stands for one class, or for void",
}


@pytest.mark.parametrize("changes", COLOURS)
def test_colours_of_labels_that_cannot_be_told_apart(changes):
    refused(COLOURS[changes], FOLDER, *changes)


def test_a_section_or_key_that_is_missing():
    refused("training.epochs is missing", EXAMPLE.replace("epochs = 30", ""))
    refused(
        "augmentation is missing", EXAMPLE.replace("[augmentation]\ncrop_size = [256, 320]", "")
    )


def test_a_value_in_the_place_of_a_section():
    text = "training = 3\n" + EXAMPLE[: EXAMPLE.index("[training]")]
    refused("training: .*; received 3", text)
    refused("training is a value in the recipe, no section", text, "training.epochs=3")


@pytest.mark.parametrize("contents", [b"[model\n", b"a = \xff\xfe", b"epochs: 3"])
def test_a_file_that_is_not_toml_is_named(tmp_path, contents):
    path = tmp_path / "recipe.toml"
    path.write_bytes(contents)
    with pytest.raises(KerassegError, match=r"recipe.toml is not a TOML file: .+\.$"):
        read_recipe(path)


def test_a_file_that_is_not_there(tmp_path):
    for path in (tmp_path / "nowhere.toml", tmp_path):
        with pytest.raises(KerassegError, match=r"no such recipe: .* training/recipes/"):
            read_recipe(path)


SETTINGS = {
    "training.epochs=7": ("training", "epochs", 7),
    " training.epochs = 7": ("training", "epochs", 7),
    "optimizer.learning_rate=1e-2": ("optimizer", "learning_rate", 0.01),
    "optimizer.name=SGD": ("optimizer", "name", "SGD"),
    "optimizer.name='SGD'": ("optimizer", "name", "SGD"),
    "augmentation.flip=false": ("augmentation", "flip", False),
    "augmentation.scale=[1, 1.5]": ("augmentation", "scale", (1.0, 1.5)),
    "loss.class_weights=[1, 2]": ("loss", "class_weights", (1.0, 2.0)),
    "data.directory=/a=b/c d": ("data", "directory", "/a=b/c d"),
    "output.saved_model=true": ("output", "saved_model", True),
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_single_value_is_replaced(setting):
    section, key, value = SETTINGS[setting]
    changed = parse_recipe(EXAMPLE, [setting])
    assert getattr(getattr(changed, section), key) == value
    assert type(getattr(getattr(changed, section), key)) is type(value)


@pytest.mark.parametrize(("value", "cache"), [("true", "memory"), ("false", "none")])
def test_a_cache_may_be_switched_on_and_off(value, cache):
    assert parse_recipe(EXAMPLE, [f"data.cache={value}"]).data.cache == cache


def test_records_may_have_the_class_names_of_the_folder_they_were_made_of():
    assert parse_recipe(FOLDER, ["data.dataset=records"]).data.class_names == ("a", "b")


def test_the_last_of_two_settings_holds_and_the_rest_stays():
    changed = parse_recipe(EXAMPLE, ["training.epochs=7", "training.epochs=8"])
    assert changed.training.epochs == 8
    assert changed.training.batch_size == parse_recipe(EXAMPLE).training.batch_size


def test_an_option_of_the_builder_may_be_set():
    changed = parse_recipe(EXAMPLE, ["model.dropout=0.5", "model.variant=paper"])
    assert changed.model.options["dropout"] == 0.5
    assert changed.model.options["variant"] == "paper"


def test_options_left_out_are_written_out():
    text = recipe_text(parse_recipe(EXAMPLE))
    assert "fusion_filters = 512" in text
    assert "dropout = 0.1" in text
    assert "epochs = 30" in text
    assert "seed = 0" in text


words = st.text(st.characters(codec="utf-8"), max_size=12) | st.just('\x7f\x00"')
class_names = st.lists(words, unique=True).filter(lambda names: len(names) != 1)


@settings(max_examples=25, deadline=None)
@given(directory=words, names=class_names, rate=st.floats(1e-30, 1e30))
def test_the_resolved_text_reads_as_the_same_recipe(directory, names, rate):
    recipe = parse_recipe(FOLDER)
    changed = recipe.model_copy(
        update={
            "data": recipe.data.model_copy(
                update={"directory": directory, "class_names": tuple(names)}
            ),
            "optimizer": recipe.optimizer.model_copy(update={"learning_rate": rate}),
        }
    )
    assert parse_recipe(recipe_text(changed)) == changed
    assert parse_recipe(recipe_text(changed)).fingerprint == changed.fingerprint


WITHOUT_EFFECT = [
    "data.directory=/elsewhere",
    "data.cache=false",
    "data.cache=disk",
    "data.on_error=skip",
    "training.devices=['CPU:0']",
    "training.steps_per_execution=4",
    "output.pictures=0",
    "output.saved_model=true",
    "model.dropout=0.1",  # the default
    "training.epochs=30",  # as it stands there
]
WITH_EFFECT = {
    "model.dropout": 0.2,
    "model.backbone": "'resnet50'",
    "model.backbone_weights": "'none'",
    "model.weights": "'model.keras'",
    "data.train_split": "'test'",
    "augmentation.flip": "false",
    "augmentation.crop_size": [64, 64],
    "optimizer.learning_rate": 0.1,
    "optimizer.average": 0.5,
    "training.epochs": 31,
    "training.seed": 1,
    "training.batch_norm": "'frozen'",
    "training.frozen_stages": 1,
    "loss.class_weights": [1.0] * 11,
    "loss.terms": ["focal"],
    "loss.auxiliary_weight": 0.4,
    "training.precision": "'mixed_bfloat16'",
}


@pytest.mark.parametrize("change", WITHOUT_EFFECT)
def test_what_has_no_effect_on_the_weights_has_none_on_the_fingerprint(change):
    one, other = parse_recipe(EXAMPLE), parse_recipe(EXAMPLE, [change])
    assert one.fingerprint == other.fingerprint
    assert difference(one, other) == "they are equal"


@pytest.mark.parametrize("key", WITH_EFFECT)
def test_what_has_an_effect_changes_the_fingerprint_and_is_named(key):
    # Another key without an effect differs too, and comes first in the alphabet.
    one = parse_recipe(EXAMPLE, ["data.cache=false"])
    other = parse_recipe(EXAMPLE, [f"{key}={WITH_EFFECT[key]}"])
    assert one.fingerprint != other.fingerprint
    assert difference(one, other).startswith(f"{key} is ")


def test_the_order_of_the_keys_has_no_effect():
    turned = EXAMPLE.replace("epochs = 30\nbatch_size = 8", "batch_size = 8\nepochs = 30")
    assert turned != EXAMPLE
    assert parse_recipe(turned).fingerprint == parse_recipe(EXAMPLE).fingerprint


def test_the_defaults_of_a_builder_are_written_out_where_a_recipe_gives_none():
    text = EXAMPLE.replace("num_codewords = 48\n", "")
    assert "num_codewords = 256\n" in recipe_text(parse_recipe(text))
