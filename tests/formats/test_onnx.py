from collections import Counter

import onnx
import onnxruntime
import pytest

import kerasseg
from kerasseg.errors import KerassegError
from kerasseg.formats import open_artifact
from tests.formats.examples import batch, network, probabilities


def axes(tensor):
    return [axis.dim_param or axis.dim_value for axis in tensor.type.tensor_type.shape.dim]


def test_axes_have_names_and_metadata_have_the_classes(model, labels, tmp_path):
    path = kerasseg.export_onnx(model, tmp_path / "out.onnx", labels=labels)
    proto = onnx.load(path)
    (pixels,), (answer,) = proto.graph.input, proto.graph.output
    assert (pixels.name, axes(pixels)) == ("pixels", ["batch", "height", "width", 3])
    assert (answer.name, axes(answer)) == ("probabilities", ["batch", "height", "width", 5])
    assert pixels.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    metadata = {each.key: each.value for each in proto.metadata_props}
    assert metadata["class_names"] == '["sky", "road", "car", "tree", "pole"]'
    assert {node.domain for node in proto.graph.node} == {""}


@pytest.mark.slow
def test_weights_stand_in_the_file_as_convs_want_them(tmp_path):
    path = kerasseg.export_onnx(network("RefineNet"), tmp_path / "out.onnx")
    graph = onnx.load(path).graph
    weights = {each.name for each in graph.initializer}
    assert all(node.input[1] in weights for node in graph.node if node.op_type == "Conv")
    # Batch norm is folded, and what turns NHWC into NCHW stands at the ends alone.
    count = Counter(node.op_type for node in graph.node)
    assert count["BatchNormalization"] == 0
    assert count["Transpose"] <= 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["EfficientFCN", "LightWeightRefineNet"])
def test_int8_computes_convs_in_int8_and_stays_close(name, photos, tmp_path):
    model = network(name)
    path = tmp_path / "int8.onnx"
    kerasseg.export_onnx(model, path, precision="int8", calibration_images=photos)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(str(path), options)
    count = Counter(node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node)
    convs = sum(count[kind] for kind in ("QLinearConv", "Conv", "FusedConv"))
    assert count["QLinearConv"] >= convs - 3
    session = open_artifact(path)
    assert session.record.calibration == {"images": 4}
    for pixels in (photos[0][None], batch((2, 45, 77))):
        found = session.run(pixels)
        assert abs(found - probabilities(model, pixels)).max() < 0.1


def test_calibration_images_belong_to_int8_and_have_a_shape(model, photos, tmp_path):
    path = tmp_path / "out.onnx"
    for images in (None, []):
        with pytest.raises(KerassegError, match="int8 needs calibration_images: some dozens"):
            kerasseg.export_onnx(model, path, precision="int8", calibration_images=images)
    images = [photos[0], photos[1].astype("float32")]
    with pytest.raises(KerassegError, match=r"calibration image 1 is float32 \(48, 64, 3\)"):
        kerasseg.export_onnx(model, path, precision="int8", calibration_images=images)
    with pytest.raises(KerassegError, match="are for int8; the precision is float32"):
        kerasseg.export_onnx(model, path, calibration_images=photos)
    assert [*tmp_path.iterdir()] == []
