import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from export import preview
from kerasseg.serving import export_saved_model
from tests.export.test_serving_files import smoke
from tests.processes import CHECKOUT
from tests.serving.examples import encoded, picture, tiny_model


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    base = tmp_path_factory.mktemp("served") / "tiny"
    return export_saved_model(tiny_model(), base, warmup_images=())


@pytest.mark.slow
def test_the_program_serves_until_it_is_interrupted(version, tmp_path):
    # Of a test run in the background, the program would inherit that Ctrl-C is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    image = tmp_path / "image.jpg"
    image.write_bytes(encoded(picture(40, 52), "JPEG"))
    command = [sys.executable, "-m", "export.preview", str(version.parent), "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            said = process.stdout.readline()
            assert said.startswith("tiny, version 1, for trying out: http://127.0.0.1:")
            address = said.split()[-1]
            with urllib.request.urlopen(f"{address}v1/models/tiny") as answer:
                assert json.load(answer)["model_version_status"][0]["state"] == "AVAILABLE"
            # What proves a real server proves this one.
            done = smoke((address.rstrip("/"),), version, image)
            assert (done.returncode, done.stdout.count("ok: ")) == (0, 8)
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130
            assert process.stderr.read().splitlines()[-1] == "interrupted"
        finally:
            process.kill()  # where it has not ended, leaving the block would wait for it


def test_bad_input_ends_with_a_message_and_status_2(version, tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        in_use = f"127.0.0.1:{port} cannot be listened on: Address already in use. Give another"
        cases = {
            in_use: [version.parent, "--port", port],
            "nowhere.invalid:8501 cannot": [version.parent, "--host", "nowhere.invalid"],
            "no SavedModel at": [tmp_path / "missing"],
            "port is a whole number of 0..65535": [version.parent, "--port", 65536],
            "--max-request-mb is at least 1": [version.parent, "--max-request-mb", 0],
            "label 'stable' is that of version 7": [version.parent, "--label", "stable=7"],
        }
        for message, arguments in cases.items():
            assert preview.main([str(argument) for argument in arguments]) == 2
            assert message in capsys.readouterr().err


def test_an_address_for_everybody_is_warned_of(version, capsys, monkeypatch):
    monkeypatch.setattr("uvicorn.Server.run", lambda *_, **__: None)
    assert preview.main([str(version.parent), "--port", "0"]) == 0
    assert capsys.readouterr().err == ""
    assert preview.main([str(version.parent), "--port", "0", "--host", "0.0.0.0"]) == 0
    printed = capsys.readouterr()
    assert "for trying out: http://0.0.0.0:" in printed.out
    assert "no users and no encryption" in printed.err


def test_a_label_is_a_name_and_a_version(capsys):
    with pytest.raises(SystemExit):
        preview.main(["served", "--label", "stable"])
    assert "LABEL=VERSION is meant" in capsys.readouterr().err
