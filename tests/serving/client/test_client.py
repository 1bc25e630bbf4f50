"""Both transports against servers of this process."""

import io
import time

import numpy as np
import pytest
from PIL import Image

from kerasseg.errors import KerassegError
from kerasseg.serving.client import ModelAddress, SegmentationClient, ServingError
from tests.ports import free_addresses
from tests.serving.examples import encoded, picture

PICTURE = picture(48, 64)
ROW = {"mask_bytes": {"b64": "UE5H"}, "confidence": 0.5, "class_shares": [1.0, 0.0], "error": ""}
GOOD = (200, {"predictions": [ROW]})
BUSY = (503, {"error": "the queue is full"})


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr("kerasseg.serving.client.client._FIRST_WAIT", 0.01)


def test_the_mask_is_that_of_the_keras_model(url, model):
    with SegmentationClient(url) as client:
        client.check()
        answer = client.segment(encoded(PICTURE))
    mask = model.predict(PICTURE[None], verbose=0)[0].argmax(-1)
    np.testing.assert_array_equal(answer.mask, mask)
    shares = np.bincount(mask.ravel(), minlength=5) / mask.size
    np.testing.assert_allclose(answer.class_shares, shares, atol=1e-6)
    assert 0.2 < answer.confidence <= 1


def test_the_overlay_is_a_picture_of_the_image_s_size(url):
    with SegmentationClient(url) as client:
        overlay = Image.open(io.BytesIO(client.overlay(encoded(PICTURE))))
    assert (overlay.format, overlay.size) == ("JPEG", (64, 48))


def test_a_bad_image_and_a_wrong_name_get_the_server_s_reason(url):
    def refused(url, image=b"", **options):
        with SegmentationClient(url, **options) as client, pytest.raises(ServingError) as error:
            client.segment(image)
        assert not error.value.passing
        return str(error.value)

    image = encoded(PICTURE)
    assert "cannot be decoded" in refused(url, b"no image")
    assert "Specific(tiny, 9)" in refused(f"{url}/versions/9", image)
    assert "Unrecognized servable version label: new" in refused(f"{url}/labels/new", image)
    assert "Latest(other)" in refused(url.replace("tiny", "other"), image)
    assert '"none" not found' in refused(url, image, signature="none")
    assert "name one that gives masks" in refused(url, image, signature="overlay")


def test_a_version_is_named_by_its_number(url):
    with SegmentationClient(f"{url}/versions/1") as client:
        client.check()
        assert client.segment(encoded(PICTURE)).mask.shape == (48, 64)


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_server_that_is_not_there_is_named(scheme):
    (host,) = free_addresses(1)
    url = f"{scheme}://{host}/v1/models/tiny"
    client = SegmentationClient(url, retries=1)
    with client, pytest.raises(ServingError, match=host) as error:
        client.check()
    assert error.value.passing


def test_a_busy_server_is_asked_again_until_it_answers(scripted):
    scripted.answers = [BUSY, (429, {"error": "later"}), (502, b"<html>proxy</html>"), GOOD]
    with SegmentationClient(scripted.url) as client:
        answer = client.segment(b"image")
    assert (answer.mask_bytes, answer.class_shares) == (b"PNG", (1.0, 0.0))
    assert scripted.asked == 4


def test_retries_end_and_what_is_wrong_is_not_sent_again(scripted):
    scripted.answers = [BUSY]
    with SegmentationClient(scripted.url, retries=2) as client:
        with pytest.raises(ServingError, match="status 503: the queue is full"):
            client.segment(b"image")
        assert scripted.asked == 3
        scripted.answers = [(400, {"error": "malformed"})]
        with pytest.raises(ServingError, match="status 400: malformed"):
            client.segment(b"image")
    assert scripted.asked == 4


def test_a_deadline_is_kept_with_all_its_tries(scripted):
    scripted.answers = [BUSY, (200, None)]
    began = time.monotonic()
    client = SegmentationClient(scripted.url, deadline=0.6)
    with client, pytest.raises(ServingError, match="did not answer within"):
        client.segment(b"image")
    assert 0.5 < time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"no JSON", "status 200: no JSON"),
        ([1], "status 200"),
        ({"predictions": []}, "something else than one prediction"),
        ({"predictions": [[1, 2]]}, "something else than one prediction"),
        ({"predictions": [{"mask": [1]}]}, "gives mask and no mask_bytes"),
        ({"predictions": [{**ROW, "error": "too large"}]}, "too large"),
    ],
)
def test_an_answer_that_is_none_is_an_error(scripted, body, said):
    scripted.answers = [(200, body)]
    with SegmentationClient(scripted.url) as client, pytest.raises(ServingError, match=said):
        client.segment(b"image")
    assert scripted.asked == 1


def test_addresses_are_read_and_written():
    address = ModelAddress.parse("HTTPS://host:85/v1/models/red%20leaves/labels/stable/")
    assert address == ModelAddress("https", "host:85", "red leaves", label="stable")
    assert str(address) == "https://host:85/v1/models/red%20leaves/labels/stable"
    for url in ("localhost:8501", "http://host/v1/models/", "ftp://host/v1/models/a", "http://h/a"):
        with pytest.raises(KerassegError, match=r"no address of a model: give one such as http://"):
            ModelAddress.parse(url)


def test_bad_arguments_say_what_is_accepted():
    url = "http://localhost:1/v1/models/tiny"
    with pytest.raises(KerassegError, match="deadline is a number of seconds above 0"):
        SegmentationClient(url, deadline=0)
    with pytest.raises(KerassegError, match="retries is a whole number of at least 0"):
        SegmentationClient(url, retries=-1)
