import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from kerasseg.errors import KerassegError
from kerasseg.serving import export_saved_model
from kerasseg.serving.warmup import default_images, warmup_requests
from tests.serving.examples import encoded, picture


def stored_requests(version):
    path = version / "assets.extra/tf_serving_warmup_requests"
    for record in tf.data.TFRecordDataset(str(path)):
        yield prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request


def test_every_signature_is_warmed_up_and_the_requests_run(saved_model):
    signatures = tf.saved_model.load(str(saved_model)).signatures
    names = []
    for request in stored_requests(saved_model):
        inputs = {name: tf.constant(tf.make_ndarray(x)) for name, x in request.inputs.items()}
        answer = signatures[request.model_spec.signature_name](**inputs)
        assert all(len(output) == 1 for output in answer.values())
        assert request.model_spec.name == "tiny"
        names.append(request.model_spec.signature_name)
    assert names == ["serving_default", "pixels", "probabilities", "overlay"]


def test_requests_hold_the_given_images():
    pixels = picture(20, 30)
    log = prediction_log_pb2.PredictionLog
    files, arrays, *_ = (log.FromString(r) for r in warmup_requests([encoded(pixels)], "m"))
    assert tf.make_ndarray(files.predict_log.request.inputs["image_bytes"])[0] == encoded(pixels)
    np.testing.assert_array_equal(
        tf.make_ndarray(arrays.predict_log.request.inputs["pixels"]), pixels[None]
    )


def test_a_model_without_pictures_warms_up_on_grey():
    (image,) = default_images()
    assert len(warmup_requests([image], "m")) == 4
    assert (tf.io.decode_png(image).numpy() == 128).all()


@pytest.mark.parametrize("max_pixels", [1, 1000, 81_919])
def test_the_grey_image_is_no_larger_than_the_model_takes(max_pixels):
    (image,) = default_images(max_pixels)
    assert len(warmup_requests([image], "m", max_pixels=max_pixels)) == 4


def test_without_the_package_the_error_names_both_remedies(model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    message = r'pip install "kerasseg\[serving\]", or leave them out with warmup_images=\(\)'
    with pytest.raises(KerassegError, match=message):
        export_saved_model(model, tmp_path)
    assert list(tmp_path.iterdir()) == []
    version = export_saved_model(model, tmp_path, warmup_images=())
    assert not (version / "assets.extra/tf_serving_warmup_requests").exists()


def test_images_that_would_stop_the_server_are_refused(model, tmp_path):
    too_large = r"image 0 has 8x8 pixels, .* warmup_images=\(\) \(--no-warmup\), or raise max_pix"
    with pytest.raises(KerassegError, match="warm-up image 1 cannot be decoded"):
        export_saved_model(model, tmp_path, warmup_images=[encoded(picture(8, 8)), b"text"])
    with pytest.raises(KerassegError, match=r"251 warm-up images make 1004 requests; .* 1000"):
        warmup_requests([b""] * 251, "m")
    with pytest.raises(KerassegError, match=too_large):
        export_saved_model(model, tmp_path, warmup_images=[encoded(picture(8, 8))], max_pixels=63)
    assert list(tmp_path.iterdir()) == []
