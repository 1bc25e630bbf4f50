import keras
import numpy as np
import pytest

import kerasseg
from kerasseg.errors import KerassegError
from kerasseg.models.freezing import backbones_of
from tests.models.model_case import random_images
from tests.models.test_efficientfcn import OPTIONS


def backbone(name: str = "my_network") -> keras.Model:
    """Returns four maps, each of a conv with batch norm."""
    x = pixels = keras.Input((None, None, 3))
    maps = []
    for channels, stride in ((4, 4), (6, 2), (8, 2), (10, 2)):
        x = keras.layers.Conv2D(channels, 5, stride, padding="same")(x)
        x = keras.layers.BatchNormalization(momentum=0.5)(x)
        maps.append(x)
    return keras.Model(pixels, maps, name=name)


@pytest.fixture
def model():
    return kerasseg.EfficientFCN(backbone(), 5, **OPTIONS)


def trainable(model):
    return {weight.path for weight in model.get_layer("my_network").trainable_weights}


def values(layer):
    return [weight.numpy() for weight in layer.weights]


def fit_one_step(model):
    model.compile(
        keras.optimizers.SGD(0.1),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        run_eagerly=True,
    )
    labels = np.random.default_rng(0).integers(0, 5, (2, 64, 64))
    model.fit(random_images(2, 64, 64), labels, verbose=0)


def test_frozen_backbone_does_not_change_in_training_and_the_decoder_does(model):
    nested, classifier = model.get_layer("my_network"), model.get_layer("classifier")
    before, decoder_before = values(nested), values(classifier)
    kerasseg.freeze_backbone(model)
    fit_one_step(model)
    # Moving means and variances of batch norm are among the weights.
    assert all(np.array_equal(*pair) for pair in zip(values(nested), before, strict=True))
    assert not np.array_equal(values(classifier)[0], decoder_before[0])


def test_unfrozen_backbone_trains_again(model):
    nested = model.get_layer("my_network")
    before, all_of_it = values(nested), trainable(model)
    kerasseg.freeze_backbone(model)
    assert trainable(model) == set()
    kerasseg.unfreeze_backbone(model)
    assert trainable(model) == all_of_it
    fit_one_step(model)
    pairs = zip(nested.weights, values(nested), before, strict=True)
    same = {weight.name for weight, new, old in pairs if np.array_equal(new, old)}
    assert same <= {"bias"}  # that of a conv before batch norm has no gradient


def test_unfreezing_reaches_stages_that_were_frozen_alone(model):
    all_of_it = trainable(model)
    kerasseg.freeze_stages(model.get_layer("my_network"), 2)
    assert len(trainable(model)) == len(all_of_it) / 2
    kerasseg.unfreeze_backbone(model)
    assert trainable(model) == all_of_it


def test_frozen_stays_frozen_in_a_file_and_can_be_thawed(model, tmp_path):
    kerasseg.freeze_backbone(model)
    model.save(tmp_path / "model.keras")
    loaded = kerasseg.load(tmp_path / "model.keras")
    assert trainable(loaded) == set()
    kerasseg.unfreeze_backbone(loaded)
    assert len(trainable(loaded)) == 16
    kerasseg.freeze_backbone(loaded)
    assert trainable(loaded) == set()


def test_decoder_that_was_frozen_stays_so(model):
    model.get_layer("classifier").trainable = False
    kerasseg.freeze_backbone(model)
    kerasseg.unfreeze_backbone(model)
    assert not model.get_layer("classifier").trainable


def test_every_backbone_is_found():
    images = keras.Input((None, None, 3))
    maps = [*backbone("one")(images), *backbone("two")(images)]
    pooled = [keras.layers.GlobalAveragePooling2D()(level) for level in maps]
    model = keras.Model(images, keras.layers.Concatenate()(pooled))
    assert [found.name for found in backbones_of(model)] == ["one", "two"]
    kerasseg.freeze_backbone(model)
    assert model.trainable_weights == []


def test_backbone_is_found_inside_a_model_inside_a_model(model):
    images = keras.Input((None, None, 3))
    outer = keras.Model(images, keras.layers.Softmax()(model(images)))
    kerasseg.freeze_backbone(outer)
    assert trainable(model) == set()


@pytest.mark.parametrize("count", [1, 2, 4])
def test_whole_network_of_several_outputs_is_no_backbone(count):
    network = kerasseg.RefineNet(backbone(), 5, filters=4, coarse_filters=4)
    logits = network.output
    pooled = [keras.layers.GlobalAveragePooling2D()(logits) for _ in range(count - 1)]
    wrapped = keras.Model(network.input, [logits, *pooled], name="wrapped")
    images = keras.Input((None, None, 3))
    outputs = wrapped(images)
    outer = keras.Model(images, outputs if count == 1 else list(outputs))
    assert [found.name for found in backbones_of(outer)] == ["my_network"]
    kerasseg.freeze_backbone(outer)
    assert trainable(network) == set()
    assert network.get_layer("classifier").trainable_weights


def test_subclassed_backbone_is_found():
    class Subclassed(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="subclassed")
            self.inner = backbone()

        def call(self, pixels):
            return self.inner(pixels)

    model = kerasseg.EfficientFCN(Subclassed(), 5, **OPTIONS)
    kerasseg.freeze_backbone(model)
    assert model.get_layer("subclassed").trainable_weights == []


@pytest.mark.parametrize("change", [kerasseg.freeze_backbone, kerasseg.unfreeze_backbone])
def test_model_without_a_backbone_is_refused(change):
    pixels = keras.Input((8, 8, 3))
    inner = keras.Model(pixels, keras.layers.Conv2D(4, 3)(pixels))
    model = keras.Model(pixels, inner(pixels), name="plain")
    with pytest.raises(KerassegError, match=r"the model 'plain' has no backbone: .* nested in it"):
        change(model)


def test_frozen_stages_end_at_their_feature_map():
    pretrained = kerasseg.backbones.create("mobilenetv2", weights=None)
    kerasseg.freeze_stages(pretrained, 2)
    trainable = {variable.path.split("/")[0] for variable in pretrained.trainable_variables}
    frozen = {variable.path.split("/")[0] for variable in pretrained.variables} - trainable
    assert {"Conv1", "block_3_expand", "block_6_expand", "bn_Conv1"} <= frozen
    assert {"block_6_depthwise", "block_13_expand", "Conv_1"} <= trainable


@pytest.mark.parametrize("stages", [-1, 5])
def test_a_number_of_stages_that_no_backbone_has(stages):
    with pytest.raises(KerassegError, match=f"stages 1..4 to freeze, 0 for none; got {stages}"):
        kerasseg.freeze_stages(kerasseg.backbones.create("mobilenetv2", weights=None), stages)


def test_stages_of_a_whole_model_are_refused(model):
    before = len(model.trainable_weights)
    with pytest.raises(KerassegError, match=r"'efficientfcn' has 1\. .* model.get_layer"):
        kerasseg.freeze_stages(model, 1)
    assert len(model.trainable_weights) == before
