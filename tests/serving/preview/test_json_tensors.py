import base64
import json

import numpy as np
import pytest
import tensorflow as tf

from kerasseg.serving.preview.json_tensors import answer_text, read_question
from kerasseg.serving.preview.rest_error import RestError

SPECS = {
    "serving_default": {"image_bytes": tf.TensorSpec([None], tf.string)},
    "pixels": {"pixels": tf.TensorSpec([None, None, None, 3], tf.uint8)},
    "two": {"a": tf.TensorSpec([None], tf.float32), "b": tf.TensorSpec([None], tf.string)},
}
B64 = {"b64": base64.b64encode(b"\x00\xffimage").decode()}


def specs(signature):
    if signature not in SPECS:
        raise RestError("no such signature")
    return SPECS[signature]


def question(document):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_question(body, specs)


@pytest.mark.parametrize(
    "document",
    [
        {"instances": [{"image_bytes": B64}, {"image_bytes": "text"}]},
        {"instances": [B64, "text"]},
        {"inputs": {"image_bytes": [B64, "text"]}},
        {"inputs": [B64, "text"], "signature_name": ""},
    ],
)
def test_rows_and_columns_with_and_without_names_say_the_same(document):
    found = question(document)
    assert found.signature == "serving_default"
    assert found.by_rows == ("instances" in document)
    assert found.inputs["image_bytes"].tolist() == [b"\x00\xffimage", b"text"]


def test_pixels_are_arrays_of_their_type():
    rows = np.arange(2 * 3 * 4 * 3).reshape(2, 3, 4, 3)
    for document in ({"instances": rows.tolist()}, {"inputs": {"pixels": rows.tolist()}}):
        found = question({**document, "signature_name": "pixels"}).inputs["pixels"]
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, rows)


def test_two_inputs_are_named():
    found = question({"signature_name": "two", "instances": [{"b": "x", "a": 1}]}).inputs
    assert (found["a"].tolist(), found["b"].tolist()) == ([1.0], [b"x"])


def test_no_columns_are_an_empty_batch():
    assert question({"inputs": []}).inputs["image_bytes"].shape == (0,)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b"", "The document is empty"),
        (b"\xff\xfe{", "JSON Parse error"),
        (b'{"instances": [', "JSON Parse error"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"instances": ' + b"[" * 900 + b"]" * 900 + b"}", "900 levels|901 levels"),
        (b"[1, 2]", "Is not object"),
        ({}, "Missing 'inputs' or 'instances' key"),
        ({"instances": [B64], "inputs": [B64]}, "only one of"),
        ({"signature_name": 7, "instances": [B64]}, "must be a string"),
        ({"signature_name": "no", "instances": [B64]}, "no such signature"),
        ({"instances": []}, "No values in 'instances'"),
        ({"instances": B64}, "to be a list/array"),
        ({"instances": [{"image": B64}]}, "keys must be equal to: image_bytes"),
        ({"instances": [{"image_bytes": B64, "more": 1}]}, "keys must be equal to"),
        ({"instances": [B64, {"image_bytes": B64}]}, "item 1 of 'instances' is of another kind"),
        ({"inputs": {"image": [B64]}}, "Missing named input: image_bytes"),
        ({"instances": [7]}, "JSON Value: 7 no string"),
        ({"instances": [{"image_bytes": {"b64": 7}}]}, "not formatted correctly for base64"),
        ({"instances": [{"b64": "%%%"}]}, "Unable to base64 decode"),
        ({"instances": [[B64], B64]}, "of another kind|of one size"),
        ({"inputs": B64}, r"has the shape \[\], and this signature takes \[\?\]"),
        ({"signature_name": "pixels", "instances": [[[[1, 2]]]]}, r"takes \[\?, \?, \?, 3\]"),
        ({"signature_name": "pixels", "instances": [[[[1, 2, 3], [1, 2]]]]}, "of one size"),
        ({"signature_name": "pixels", "instances": [[[[0.5, 0.1, 1]]]]}, "expected type: uint8"),
        ({"signature_name": "pixels", "instances": [[[[1, 2, 256]]]]}, r"outside of uint8, 0..255"),
        ({"signature_name": "pixels", "instances": [[[["a", 1, 2]]]]}, "expected type: uint8"),
        ({"signature_name": "pixels", "instances": [[[[None, 1, 2]]]]}, "expected type: uint8"),
        ({"signature_name": "two", "instances": [1]}, "list of objects with the keys a,b"),
        ({"signature_name": "two", "inputs": [1]}, "an object with the keys a,b"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(document, said):
    with pytest.raises(RestError, match=said) as refused:
        question(document)
    assert refused.value.status == 400


def test_answers_are_rows_or_columns_with_bytes_in_base64():
    outputs = {
        "error": np.array([b"", "größer".encode()], object),
        "mask_bytes": np.array([b"\x00\xff", b""], object),
        "shares": np.array([[0.25, 0.75], [0, 0]], np.float32),
    }
    rows = [
        {"error": "", "mask_bytes": {"b64": "AP8="}, "shares": [0.25, 0.75]},
        {"error": "größer", "mask_bytes": {"b64": ""}, "shares": [0.0, 0.0]},
    ]
    assert json.loads(answer_text(outputs, by_rows=True)) == {"predictions": rows}
    columns = {name: [row[name] for row in rows] for name in outputs}
    assert json.loads(answer_text(outputs, by_rows=False)) == {"outputs": columns}


def test_a_single_output_has_no_name():
    outputs = {"probabilities": np.array([[[0.5, 0.5]]], np.float32)}
    assert json.loads(answer_text(outputs, by_rows=True)) == {"predictions": [[[0.5, 0.5]]]}
    assert json.loads(answer_text(outputs, by_rows=False)) == {"outputs": [[[0.5, 0.5]]]}
