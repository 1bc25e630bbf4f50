"""The lines of docs/serving.md that ask a server, run as they are written."""

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from kerasseg.serving import export_saved_model
from kerasseg.serving.client import grpc_transport, rest
from kerasseg.serving.preview import PreviewOptions, ServedModel, preview_in_background
from tests.browser import headless_chromium
from tests.processes import CHECKOUT
from tests.serving.client.grpc_server import grpc_in_background
from tests.serving.examples import constant_model, encoded, picture

PAGE = (CHECKOUT / "docs/serving.md").read_text("utf-8")
SIZE = (40, 52)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    base = tmp_path_factory.mktemp("served") / "leaves"
    export_saved_model(constant_model(3, winner=2), base, warmup_images=())
    return ServedModel(base)


@pytest.fixture(scope="module")
def host(model):
    with preview_in_background(model, PreviewOptions(port=0, cors=True)) as address:
        yield address.removeprefix("http://").rstrip("/")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "photos").mkdir()
    for name in ("leaf.jpg", "photos/a.jpg"):
        (tmp_path / name).write_bytes(encoded(picture(*SIZE), "JPEG"))
    return tmp_path


def lines(language, host, holding=""):
    (found,) = [
        block
        for block in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
        if "localhost:8501" in block and holding in block
    ]
    return found.replace("localhost:8501", host)


def run(command, folder):
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def assert_is_the_mask(image):
    mask = np.asarray(Image.open(image))
    assert mask.shape == SIZE
    assert (mask == 2).all()


def test_curl(host, folder):
    run(["bash", "-euo", "pipefail", "-c", lines("sh", host)], folder)
    assert_is_the_mask(folder / "mask.png")
    (row,) = json.loads((folder / "answer.json").read_text())["predictions"]
    assert row["class_shares"] == [0, 0, 1]


def test_python(host, folder):
    printed = run([sys.executable, "-c", lines("python", host)], folder)
    assert_is_the_mask(folder / "mask.png")
    assert printed.endswith("[0.0, 0.0, 1.0]\n")


def test_javascript(host, folder):
    code = lines("javascript", host)
    text = base64.b64encode((folder / "leaf.jpg").read_bytes()).decode()
    blob = f'new Blob([Uint8Array.from(atob("{text}"), (letter) => letter.charCodeAt(0))])'
    node = shutil.which("node")
    if node is not None:
        program = f"{code}\nsegment({blob}).then((found) => console.log(JSON.stringify(found)));"
        found = json.loads(run([node, "-e", program], folder))
    else:
        with headless_chromium() as browser:
            page = browser.new_page()
            page.goto(f"http://{host}/v1/models/leaves")
            found = page.evaluate(f"async () => {{ {code}\nreturn segment({blob}); }}")
    assert found["class_shares"] == [0, 0, 1]
    assert_is_the_mask(io.BytesIO(base64.b64decode(found["mask"].partition(",")[2])))


def test_what_is_asked_again_is_named():
    passing = [str(status) for status in rest._PASSING]
    passing += [code.name for code in grpc_transport._PASSING]
    (sentence,) = re.findall(r"What fails for now \((.*?)\)", PAGE, re.DOTALL)
    named = re.findall(r"\b(?:\d{3}|[A-Z]+_[A-Z]+|UNAVAILABLE)\b", sentence)
    assert named == passing


@pytest.mark.slow
def test_the_client(host, model, folder):
    _, rest, over_grpc = lines("bash", host, "export.client").splitlines()
    shutil.copytree(CHECKOUT / "export", folder / "export")
    assert "1 image segmented" in run(["bash", "-c", rest], folder)
    assert_is_the_mask(folder / "segmented/masks/a.png")
    assert Image.open(folder / "segmented/overlays/a.jpg").size == SIZE[::-1]
    with grpc_in_background(model) as address:
        command = over_grpc.replace("localhost:8500", address)
        assert "1 image segmented" in run(["bash", "-c", command], folder)
    assert_is_the_mask(folder / "segmented_by_grpc/masks/a.png")
