"""The REST interface, asked as TensorFlow Serving is."""

import base64
import io
import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from starlette.testclient import TestClient

from kerasseg.errors import KerassegError
from kerasseg.serving import export_saved_model
from kerasseg.serving.preview import ServedModel
from kerasseg.serving.preview.app import preview_app
from tests.serving.examples import constant_model, encoded, picture, tiny_model
from tests.serving.preview.conftest import LABELS

LIMIT = 200_000
PICTURE = picture(48, 64)


@pytest.fixture(scope="module")
def client(model):
    return TestClient(preview_app(model, LIMIT), raise_server_exceptions=False)


def b64(image):
    return {"b64": base64.b64encode(image).decode()}


def predicted(client, which="", **document):
    answer = client.post(f"/v1/models/tiny{which}:predict", content=json.dumps(document))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def mask_of(row):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(row["mask_bytes"]["b64"]))))


def test_an_image_gets_the_mask_of_the_keras_model(client):
    instances = [{"image_bytes": b64(encoded(PICTURE))}]
    (row,) = predicted(client, "/versions/1", instances=instances)["predictions"]
    logits = tiny_model().predict(PICTURE[None], verbose=0)[0]
    np.testing.assert_array_equal(mask_of(row), logits.argmax(-1))
    shares = np.bincount(logits.argmax(-1).ravel(), minlength=5) / (48 * 64)
    np.testing.assert_allclose(row["class_shares"], shares, atol=1e-6)
    confidence = tf.nn.softmax(logits).numpy().max(-1).mean()
    assert row["confidence"] == pytest.approx(confidence, abs=1e-5)
    assert row["error"] == ""


def test_a_bad_image_answers_for_itself_and_columns_are_columns(client):
    images = [b64(encoded(PICTURE)), b64(b"no image"), b64(encoded(picture(20, 31), "JPEG"))]
    outputs = predicted(client, inputs={"image_bytes": images})["outputs"]
    assert [bool(error) for error in outputs["error"]] == [False, True, False]
    sizes = [mask_of({"mask_bytes": outputs["mask_bytes"][place]}).shape for place in (0, 2)]
    assert sizes == [(48, 64), (20, 31)]
    assert outputs["mask_bytes"][1] == {"b64": ""}


@pytest.mark.parametrize(
    ("which", "winner"), [("", True), ("/versions/2", True), ("/labels/stable", False)]
)
def test_the_latest_version_answers_unless_another_is_named(client, which, winner):
    document = {"signature_name": "pixels", "instances": [PICTURE.tolist()]}
    (row,) = predicted(client, which, **document)["predictions"]
    assert (np.asarray(row["mask"]) == 3).all() == winner


def test_a_single_output_is_a_list_of_values(client):
    document = {"signature_name": "probabilities", "instances": [PICTURE[:5, :6].tolist()]}
    rows = np.asarray(predicted(client, **document)["predictions"])
    assert rows.shape == (1, 5, 6, 5)
    np.testing.assert_allclose(rows.sum(-1), 1, atol=1e-5)


def test_the_status_is_that_of_tensorflow_serving(client):
    def status(path):
        return client.get(f"/v1/models/tiny{path}").json()["model_version_status"]

    good = {"error_code": "OK", "error_message": ""}
    first = {"version": "1", "state": "AVAILABLE", "status": good}
    assert status("") == [{**first, "version": "2"}, first]
    assert status("/versions/1") == status("/labels/stable") == [first]


def test_the_metadata_are_the_signatures(client):
    found = client.get("/v1/models/tiny/metadata").json()
    assert found["model_spec"] == {"name": "tiny", "signature_name": "", "version": "2"}
    signatures = found["metadata"]["signature_def"]["signature_def"]
    inputs = signatures["serving_default"]["inputs"]["image_bytes"]
    assert inputs["dtype"] == "DT_STRING"
    assert inputs["tensor_shape"] == {
        "dim": [{"size": "-1", "name": ""}],
        "unknown_rank": False,
    }
    assert signatures["pixels"]["method_name"] == "tensorflow/serving/predict"


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("GET", "/v1/models/other", 404, "Could not find any versions of model other"),
        ("GET", "/v1/models/tiny/versions/9", 404, "Could not find version 9 of model tiny"),
        ("GET", "/v1/models/tiny/labels/new", 400, "Unrecognized servable version label: new"),
        ("GET", "/v1/models/other/metadata", 404, "not found for request: Latest(other)"),
        ("POST", "/v1/models/other:predict", 404, "not found for request: Latest(other)"),
        ("POST", "/v1/models/tiny/versions/9:predict", 404, "for request: Specific(tiny, 9)"),
        ("POST", "/v1/models/tiny:classify", 400, "received :classify"),
        ("POST", "/v1/models/tiny:predict", 400, "The document is empty"),
        ("DELETE", "/v1/models/tiny", 400, "Malformed request: DELETE /v1/models/tiny"),
        ("GET", "/elsewhere", 404, "Not Found: GET /elsewhere"),
        ("GET", "/page/../app.py", 404, "Not Found"),
    ],
)
def test_errors_have_tensorflow_serving_s_shape_and_status(client, method, path, status, said):
    answer = client.request(method, path)
    assert answer.status_code == status
    assert [*answer.json()] == ["error"]
    assert said in answer.json()["error"]


def test_what_the_graph_refuses_is_400_with_its_reason(client):
    document = {
        "signature_name": "pixels",
        "inputs": {"pixels": [[[[1, 2, 3]]] * 2, [[[1, 2, 3]]]]},
    }
    answer = client.post("/v1/models/tiny:predict", content=json.dumps(document))
    assert (answer.status_code, [*answer.json()]) == (400, ["error"])


def test_a_request_that_is_too_long_is_413_and_the_next_one_is_answered(client):
    for length in (LIMIT + 1, 5 * LIMIT):
        answer = client.post("/v1/models/tiny:predict", content=b" " * length)
        assert answer.status_code == 413
        assert f"more than {LIMIT} bytes" in answer.json()["error"]
    assert predicted(client, inputs=[])["outputs"]["error"] == []


def test_other_origins_read_answers_only_where_that_is_asked_for(model):
    for cors in (False, True):
        client = TestClient(preview_app(model, LIMIT, cors))
        answer = client.get("/v1/models/tiny", headers={"Origin": "http://elsewhere"})
        assert ("access-control-allow-origin" in answer.headers) == cors


def test_the_page_comes_with_its_files_and_names_no_other_host(client):
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for name, kind in {"preview.js": "javascript", "preview.css": "css"}.items():
        assert f"page/{name}" in page.text
        assert kind in client.get(f"/page/{name}").headers["content-type"]
    settings = client.get("/preview.json").json()
    assert (settings["model"], settings["max_request_bytes"]) == ("tiny", LIMIT)
    assert settings["classes"]["2"]["class_names"] == [*LABELS.class_names]


def test_versions_come_and_go_as_their_directories_do(base, tmp_path):
    shutil.copytree(base / "1", tmp_path / "grown" / "1")
    client = TestClient(preview_app(ServedModel(tmp_path / "grown", "tiny"), LIMIT))
    pixels = {"signature_name": "pixels", "instances": [PICTURE.tolist()]}

    def winner():
        return {
            each for row in predicted(client, **pixels)["predictions"][0]["mask"] for each in row
        }

    assert winner() != {2}
    version = export_saved_model(
        constant_model(5, winner=2), tmp_path / "grown", labels=LABELS, warmup_images=()
    )
    assert winner() == {2}
    (tmp_path / "grown/3").mkdir()
    (tmp_path / "grown/3/saved_model.pb").write_bytes(b"garbage")
    assert winner() == {2}
    refused = client.post("/v1/models/tiny/versions/3:predict", content=json.dumps(pixels))
    assert refused.status_code == 404
    (status,) = client.get("/v1/models/tiny/versions/3").json()["model_version_status"]
    assert status["state"] == "END"
    assert status["status"]["error_message"]
    shutil.rmtree(version)
    assert winner() != {2}
    shutil.rmtree(tmp_path / "grown")
    assert client.get("/v1/models/tiny").status_code == 404


def test_a_version_directory_is_served_alone(base):
    assert [*ServedModel(base / "2").paths] == [2]
    assert ServedModel(base / "2").name == "tiny"


def test_bad_arguments_say_what_to_do(base, tmp_path):
    with pytest.raises(KerassegError, match=r"no SavedModel at .*export\.saved_model writes one"):
        ServedModel(tmp_path / "missing")
    with pytest.raises(KerassegError, match=r"label 'new' is that of version 7.*there is 1, 2"):
        ServedModel(base, labels={"new": 7})
    (tmp_path / "broken/1").mkdir(parents=True)
    (tmp_path / "broken/1/saved_model.pb").write_bytes(b"garbage")
    with pytest.raises(KerassegError, match=r"broken/1 cannot be loaded: .*Export it again"):
        ServedModel(tmp_path / "broken")
