import numpy as np
import pytest
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.evaluation import DenseCRF, Predictor, Protocol
from kerasseg.formats import ExportedNetwork
from kerasseg.formats.weightless import weightless_graph
from tests.formats.examples import batch, network, probabilities
from tests.serving.examples import tiny_model

PIXELS = batch((2, 45, 77))


def test_it_gives_the_probabilities_of_the_model(model):
    found = ExportedNetwork(model)(tf.constant(PIXELS)).numpy()
    np.testing.assert_allclose(found, probabilities(model, PIXELS), atol=1e-6)


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_a_mask_is_where_the_probabilities_are_largest(activation):
    model = tiny_model(activation=activation)
    mask = ExportedNetwork(model, output="mask")(tf.constant(PIXELS))
    assert mask.dtype == tf.uint8
    np.testing.assert_array_equal(mask, Predictor(model).classes(PIXELS))


def test_many_classes_get_a_wider_mask():
    model = tiny_model(num_classes=300)
    assert ExportedNetwork(model, output="mask")(tf.constant(PIXELS)).dtype == tf.int32


@pytest.mark.parametrize(
    "protocol", [Protocol(scales=(0.5, 1.0), flip=True), Protocol(multiple=16)], ids=str
)
def test_views_are_averaged_as_an_evaluation_does(model, protocol):
    found = ExportedNetwork(model, protocol=protocol)(tf.constant(PIXELS)).numpy()
    expected = Predictor(model, protocol).probabilities(PIXELS)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_its_function_is_one_graph_without_variables_loops_and_branches(model):
    protocol = Protocol(scales=(0.5, 1.0), flip=True)
    graph = ExportedNetwork(model, protocol=protocol).function().graph
    assert not graph.variables
    assert not graph.as_graph_def().library.function
    assert {"While", "If", "StatelessWhile", "StatelessIf"}.isdisjoint(
        operation.type for operation in graph.get_operations()
    )


def test_a_weightless_graph_holds_no_large_weight():
    exported = ExportedNetwork(network("RefineNet"))
    traced = weightless_graph(exported)
    constants = [node for node in traced.graph_def.node if node.op == "Const"]
    assert all(node.ByteSize() < 5000 for node in constants)
    large = [weight for weight in exported.model.weights if np.prod(weight.shape) > 1024]
    assert 0 < len(large) == len(traced.weights)
    shapes = {node.name: node for node in traced.graph_def.node if node.op == "Placeholder"}
    assert {name.partition(":")[0] for name in traced.weights} | {"pixels"} == shapes.keys()


def test_bad_arguments_are_named(model):
    with pytest.raises(KerassegError, match="did you mean 'mask'"):
        ExportedNetwork(model, output="masks")


def test_tiles_and_a_crf_are_refused(model):
    # No other format has a bound of the pixels, so the message names none.
    with pytest.raises(KerassegError, match=r"sees whole images; .* of 64: leave them out\.$"):
        ExportedNetwork(model, protocol=Protocol(tile=64))
    with pytest.raises(KerassegError, match=r"no graph holds a dense CRF; .*DenseCRF\(steps=5"):
        ExportedNetwork(model, protocol=Protocol(crf=DenseCRF(steps=5)))
