import pytest

from kerasseg.serving.preview.request_path import Wanted, read_path
from kerasseg.serving.preview.rest_error import RestError


@pytest.mark.parametrize(
    ("method", "path", "wanted"),
    [
        ("POST", "/v1/models/a:predict", Wanted("a", None, None, "predict")),
        ("POST", "/V1/Models/a/versions/07:Predict", Wanted("a", 7, None, "predict")),
        ("POST", "/v1/models/a%20b/labels/x%2Fy:predict", Wanted("a b", None, "x/y", "predict")),
        ("GET", "/v1/models/a", Wanted("a", None, None, "status")),
        ("GET", "/v1/models/a/versions/3", Wanted("a", 3, None, "status")),
        ("GET", "/v1/models/a/labels/stable/metadata", Wanted("a", None, "stable", "metadata")),
    ],
)
def test_paths_are_those_of_tensorflow_serving(method, path, wanted):
    assert read_path(method, path) == wanted


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("GET", "/v1/models/a:predict", "Malformed request: GET /v1/models/a:predict"),
        ("POST", "/v1/models/a", "Malformed request: POST /v1/models/a"),
        ("PUT", "/v1/models/a:predict", "Malformed request"),
        ("GET", "/v1/models/a/versions/x", "Malformed request"),
        ("GET", "/v1/models/a/", "Malformed request"),
        ("GET", "/v1/models", "Missing model name"),
        ("GET", "/v1/models/a/versions/9223372036854775808", "Failed to convert version"),
        ("GET", "/v1/models/a/versions/" + "9" * 10_000, "Failed to convert version"),
    ],
)
def test_others_are_refused(method, path, said):
    with pytest.raises(RestError, match=said) as refused:
        read_path(method, path)
    assert refused.value.status == 400
