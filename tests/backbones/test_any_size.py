"""Each family gives the same maps at any size, however it is called."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg import backbones
from tests.backbones.families import (
    assert_same_maps,
    images,
    quickly,
    shared,
    sizes_at_the_strides,
)

SIZES = ((32, 32), (33, 47), (97, 161), (32, 1000))
# Of the families that are built of the same layers one each, where compiling and saving take long.
KINDS = ("resnet50", "densenet121", "efficientnetb0", "mobilenetv3small", "vgg16")
ANY_SIZE = tf.TensorSpec([None, None, None, 3])


@pytest.mark.parametrize("name", quickly("vgg16", "mobilenetv3small", "efficientnet_lite0"))
def test_sizes_of_the_maps_are_those_of_the_image_over_the_strides(name):
    for size in SIZES:
        assert sizes_at_the_strides(shared(name)(images(1, *size)), *size)


@pytest.mark.parametrize("name", quickly("vgg16", "mobilenetv3small", among=KINDS))
def test_graph_of_unknown_sizes_gives_the_same(name):
    graph = tf.function(shared(name), input_signature=[ANY_SIZE])
    for size in SIZES:
        batch = images(2, *size)
        assert_same_maps(graph(batch), shared(name)(batch))


@pytest.mark.parametrize("name", quickly("vgg16", "mobilenetv3small", among=KINDS))
def test_reloaded_from_a_file_gives_the_same(name, tmp_path):
    shared(name).save(tmp_path / "backbone.keras")
    reloaded = keras.models.load_model(tmp_path / "backbone.keras")
    for size in SIZES[:3]:
        batch = images(1, *size)
        assert_same_maps(reloaded(batch), shared(name)(batch), tolerance=0)


@pytest.mark.slow
@pytest.mark.parametrize("sides", [(None, 47), (33, None), (33, 47)])
def test_sides_that_are_known_change_nothing(sides):
    assert_indifferent_to_known_sides("mobilenetv3small", sides)


@pytest.mark.parametrize("name", quickly())
def test_no_family_minds_a_size_that_is_known(name):
    assert_indifferent_to_known_sides(name, (33, 47))


def assert_indifferent_to_known_sides(name, sides):
    model = backbones.create(name, (*sides, 3), weights=None)
    model.set_weights(shared(name).get_weights())
    assert model.inputs[0].shape == (None, *sides, 3)
    batch = images(1, 33, 47)
    assert_same_maps(model(batch), shared(name)(batch))


@pytest.mark.parametrize("name", quickly("vgg16", among=KINDS))
def test_compiled_by_xla_gives_the_same(name):
    compiled = tf.function(shared(name), jit_compile=True)
    batch = images(1, 33, 47)
    assert_same_maps(compiled(tf.constant(batch)), shared(name)(batch))


def test_each_image_of_a_batch_is_seen_alone():
    batch = images(3, 40, 48)
    whole = shared("efficientnetb0")(batch)
    alone = shared("efficientnetb0")(batch[1:2])
    assert_same_maps([level[1:2] for level in whole], alone)
    assert not np.allclose(whole[3][0], whole[3][1])
