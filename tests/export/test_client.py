import pytest

from export import client
from kerasseg.serving import export_saved_model
from kerasseg.serving.preview import ServedModel, preview_in_background
from tests.ports import free_addresses
from tests.serving.examples import encoded, picture, tiny_model


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    base = tmp_path_factory.mktemp("served") / "tiny"
    export_saved_model(tiny_model(), base, warmup_images=())
    with preview_in_background(ServedModel(base)) as address:
        yield f"{address}v1/models/tiny"


def test_masks_and_overlays_are_written_and_failures_named_at_the_end(url, tmp_path, capsys):
    (tmp_path / "a.jpg").write_bytes(encoded(picture(20, 31), "JPEG"))
    (tmp_path / "b.png").write_bytes(b"no image")
    arguments = [url, str(tmp_path / "*.*g"), "--out", str(tmp_path / "out"), "--overlays"]
    assert client.main(arguments) == 1
    printed = capsys.readouterr()
    assert printed.out == f"1 image segmented: {tmp_path / 'out'}\n"
    assert f"1 got no mask:\n{tmp_path / 'b.png'}: cannot be decoded" in printed.err
    (tmp_path / "b.png").write_bytes(encoded(picture(9, 12)))
    assert client.main(arguments) == 0
    assert "1 were there already" in capsys.readouterr().out
    found = {path.name for path in (tmp_path / "out").rglob("*.*g")}
    assert found == {"a.png", "b.png", "a.jpg", "b.jpg"}


def test_bad_input_ends_with_a_message_and_status_2(url, tmp_path, capsys):
    image = tmp_path / "a.png"
    image.write_bytes(encoded(picture(9, 12)))
    (host,) = free_addresses(1)
    cases = {
        f"http://{host} cannot be reached": [f"http://{host}/v1/models/a", image, "--retries", 0],
        "no address of a model": ["localhost:8501", image],
        "Could not find any versions of model other": [url.replace("tiny", "other"), image],
        "no file matches": [url, tmp_path / "*.gif"],
        "deadline is a number": [url, image, "--deadline", -1],
    }
    for message, arguments in cases.items():
        assert client.main([*map(str, arguments), "--out", str(tmp_path / "out")]) == 2
        assert message in capsys.readouterr().err
