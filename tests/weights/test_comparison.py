"""Which tensors of a weights file do not fit a model."""

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasseg.weights.comparison import differences, shapes_in_file, shapes_in_model
from tests.backbones.test_keras_applications import write_official_layout

tensors = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from([(3,), (4,), (3, 3, 4, 5)]))


def network(classes: int = 5, middle: str = "middle", automatic: int = 2) -> keras.Model:
    """Returns layers with names of their own, and between them some that Keras numbers."""
    x = pixels = keras.Input((None, None, 3))
    inner_pixels = keras.Input((None, None, 3))
    inner = keras.layers.Conv2D(4, 3, name="stem")(inner_pixels)
    inner = keras.layers.BatchNormalization()(inner)
    x = keras.Model(inner_pixels, inner, name="backbone")(x)
    for _ in range(automatic):
        x = keras.layers.Conv2D(4, 3)(x)
    x = keras.layers.Conv2D(4, 3, name=middle, use_bias=False)(x)
    x = keras.layers.Dropout(0.5)(x)
    return keras.Model(pixels, keras.layers.Conv2D(classes, 1, name="classifier")(x))


@pytest.fixture(scope="module")
def shapes():
    return shapes_in_model(network())


def test_tensors_have_the_names_of_their_layers(shapes):
    assert shapes == {
        "backbone/stem/0": (3, 3, 3, 4),
        "backbone/stem/1": (4,),
        **{f"backbone/batch_normalization/{number}": (4,) for number in range(4)},
        "conv2d/0": (3, 3, 4, 4),
        "conv2d/1": (4,),
        "conv2d_1/0": (3, 3, 4, 4),
        "conv2d_1/1": (4,),
        "middle/0": (3, 3, 4, 4),
        "classifier/0": (1, 1, 4, 5),
        "classifier/1": (5,),
    }


def test_names_do_not_depend_on_what_was_built_before(shapes):
    # Keras goes on counting where the last model ended.
    assert shapes_in_model(network()) == shapes


def test_tensors_inside_composite_layers_have_the_names_of_these():
    from kerasseg.layers import ChainedResidualPooling, ResidualConvUnit

    x = maps = keras.Input((None, None, 4))
    x = ResidualConvUnit(4, name="unit")(x)
    model = keras.Model(maps, ChainedResidualPooling(4, 2, name="pool")(x))
    assert shapes_in_model(model).keys() == {
        "unit/conv1/0",
        "unit/conv1/1",
        "unit/conv2/0",
        "pool/convs/conv1/0",
        "pool/convs/conv2/0",
    }


@pytest.mark.parametrize("compiled", [False, True])
def test_model_file_holds_the_same_without_its_optimizer(shapes, tmp_path, compiled):
    model = network()
    if compiled:
        model.compile("adam", "mse")
        model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "model.keras")
    assert shapes_in_file(tmp_path / "model.keras") == shapes


def test_file_in_the_layout_of_keras_applications(tmp_path):
    pixels = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, name="stem")(pixels)
    model = keras.Model(pixels, keras.layers.BatchNormalization(name="bn")(x))
    path = write_official_layout(tmp_path / "notop.h5", model)
    assert shapes_in_file(path) == shapes_in_model(model)
    assert "stem/0" in shapes_in_file(path)


def test_other_number_of_classes_is_two_tensors_of_another_shape(shapes):
    assert differences(shapes, shapes_in_model(network(classes=6))) == (
        "2 tensors have another shape.\n"
        "Of another shape:\n"
        "  classifier/0 (1, 1, 4, 5) in the file, (1, 1, 4, 6) in the model\n"
        "  classifier/1 (5,) in the file, (6,) in the model"
    )


def test_layer_of_another_name_is_missing_and_not_the_models(shapes):
    assert differences(shapes, shapes_in_model(network(middle="center"))) == (
        "1 tensor is missing and 1 is not the model's.\n"
        "Missing in the file:\n"
        "  center/0 (3, 3, 4, 4)\n"
        "Not the model's:\n"
        "  middle/0 (3, 3, 4, 4)"
    )


def test_layer_more_is_all_that_differs(shapes):
    found = differences(shapes, shapes_in_model(network(automatic=3)))
    assert found.splitlines()[2:] == ["  conv2d_2/0 (3, 3, 4, 4)", "  conv2d_2/1 (4,)"]


@settings(max_examples=50, deadline=None)
@given(tensors, tensors)
def test_every_tensor_that_differs_is_listed_once(held, wanted):
    listed = [line.split()[0] for line in differences(held, wanted).splitlines() if line[0] == " "]
    differing = {n for n in held.keys() | wanted.keys() if held.get(n) != wanted.get(n)}
    assert sorted(listed) == sorted(differing)
    assert (differences(held, wanted) == "") == (held == wanted)
