"""What an operator copies: settings that a server can read, and a check that finds faults."""

import base64
import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import tensorflow as tf
import yaml
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from kerasseg.serving import export_saved_model
from tests.serving.examples import encoded, picture, tiny_model

FOLDER = Path(__file__).parents[2] / "export/serving"
# Fields of BatchingParameters, tensorflow_serving/servables/tensorflow/session_bundle_config.proto,
# of which no Python class is published.
BATCHING = {
    *("max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads"),
    *("thread_pool_name", "allowed_batch_sizes", "pad_variable_length_inputs"),
}


def read(name):
    return (FOLDER / name).read_text("utf-8")


def test_the_models_are_read_by_the_server_s_own_message():
    config = text_format.Parse(read("models.config"), model_server_config_pb2.ModelServerConfig())
    (model,) = config.model_config_list.config
    assert (model.name, model.base_path) == ("leaves", "/models/leaves")
    assert model.model_version_policy.latest.num_versions == 2


def test_batching_and_monitoring_name_fields_that_there_are():
    fields = re.findall(r"^(\w+) \{ value: \d+ \}$", read("batching.config"), re.MULTILINE)
    lines = [line for line in read("batching.config").splitlines() if line[:1] not in ("#", "")]
    assert len(fields) == len(lines) == 4
    assert set(fields) <= BATCHING
    assert re.search(
        r'prometheus_config \{\s+enable: true\s+path: "/[\w/]+"\s+\}', read("monitoring.config")
    )


def mounted_files(arguments):
    return {Path(part).name for line in arguments for part in line.split("=") if "/config/" in part}


def test_compose_file_and_manifest_use_the_files_and_check_health():
    service = yaml.safe_load(read("docker-compose.yml"))["services"]["serving"]
    deployment, kubernetes_service = yaml.safe_load_all(read("kubernetes.yaml"))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    for arguments in (service["command"], container["args"]):
        assert mounted_files(arguments) == {"models.config", "batching.config", "monitoring.config"}
        assert all((FOLDER / name).is_file() for name in mounted_files(arguments))
    assert "/v1/models/leaves" in service["healthcheck"]["test"][-1]
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["path"].startswith("/v1/models/leaves")
    assert container["livenessProbe"]["tcpSocket"]["port"] == "grpc"
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"grpc": 8500, "rest": 8501}
    assert {port["targetPort"] for port in kubernetes_service["spec"]["ports"]} == ports.keys()


def test_script_compose_file_and_manifest_name_one_image():
    service = yaml.safe_load(read("docker-compose.yml"))["services"]["serving"]
    deployment, _ = yaml.safe_load_all(read("kubernetes.yaml"))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (script,) = re.findall(r'^ *served="(.+)"$', read("smoke.sh"), re.MULTILINE)
    assert script == service["image"]
    # An environment variable names another tag; a manifest has none to read.
    assert re.sub(r"\$\{TF_SERVING_VERSION:-([\w.]+)\}", r"\1", script) == container["image"]


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    return export_saved_model(tiny_model(), tmp_path_factory.mktemp("m") / "tiny", warmup_images=())


@pytest.fixture(scope="module")
def server(version):
    """A server with the shape of TensorFlow Serving's REST interface; what it says can be bent."""
    signatures = tf.saved_model.load(str(version)).signatures

    class Handler(BaseHTTPRequestHandler):
        bent = staticmethod(lambda rows: rows)

        def log_message(self, *_):
            pass

        def answer(self, body):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def do_GET(self):
            if self.path.endswith("/metadata"):
                self.answer({"metadata": {"signature_def": dict.fromkeys(signatures)}})
            else:
                self.answer({"model_version_status": [{"version": "1", "state": "AVAILABLE"}]})

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            files = [base64.b64decode(row["image_bytes"]["b64"]) for row in body["instances"]]
            answer = signatures[body["signature_name"]](image_bytes=tf.constant(files))
            columns = {name: column.numpy() for name, column in answer.items()}
            rows = [
                {name: shown(name, column[place]) for name, column in columns.items()}
                for place in range(len(files))
            ]
            self.answer({"predictions": self.bent(rows)})

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", Handler
        running.shutdown()


def shown(name, value):
    if name.endswith("_bytes"):
        return {"b64": base64.b64encode(value).decode()}
    return value.decode() if isinstance(value, bytes) else value.tolist()


def smoke(server, version, image):
    return subprocess.run(
        [str(FOLDER / "smoke.sh"), str(version.parent), str(image)],
        env={**os.environ, "SERVER": server[0]},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_smoke_test_passes_on_a_server_that_answers_rightly(server, version, tmp_path):
    image = tmp_path / "image.jpg"
    image.write_bytes(encoded(picture(40, 52), "JPEG"))
    done = smoke(server, version, image)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("ok: ") == 6
    assert done.stdout.endswith(f"All is well with tiny at {server[0]}.\n")


@pytest.mark.parametrize(
    ("bend", "said"),
    [
        (lambda rows: [{**row, "mask_bytes": {"b64": "AAAA"}} for row in rows], "no PNG"),
        (lambda rows: [{**row, "error": ""} for row in rows], "the bad image has no error"),
        (lambda rows: rows[:1], "two masks of three were wanted"),
    ],
)
def test_the_smoke_test_fails_on_one_that_does_not(
    server, version, tmp_path, monkeypatch, bend, said
):
    image = tmp_path / "image.jpg"
    image.write_bytes(encoded(picture(40, 52), "JPEG"))
    monkeypatch.setattr(server[1], "bent", staticmethod(bend))
    done = smoke(server, version, image)
    assert done.returncode == 1
    assert said in done.stderr


@pytest.mark.slow
def test_the_smoke_test_starts_a_server_and_leaves_nothing_behind(version, tmp_path):
    image, docker = tmp_path / "image.jpg", tmp_path / "bin/docker"
    image.write_bytes(encoded(picture(40, 52), "JPEG"))
    docker.parent.mkdir()
    program = Path(__file__).with_name("fake_docker.py")
    docker.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{program}" "$@"\n')
    docker.chmod(0o755)
    (tmp_path / "work").mkdir()
    environment = {
        **os.environ,
        "PATH": f"{docker.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(FOLDER.parents[1]),
        "FAKE_DOCKER": str(tmp_path),
        "TMPDIR": str(tmp_path / "work"),
        "TF_SERVING_VERSION": "9.9.9",
    }
    environment.pop("SERVER", None)
    command = [str(FOLDER / "smoke.sh"), str(version.parent), str(image)]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("ok: ") == 8
    assert "tensorflow/serving:9.9.9 (sha256:0123) at http://127.0.0.1:" in done.stdout
    ran = (tmp_path / "run").read_text().splitlines()
    assert "--batching_parameters_file=/config/batching.config" in ran
    assert f"{FOLDER}:/config:ro" in ran
    assert not (tmp_path / "pid").exists()
    assert [*(tmp_path / "work").iterdir()] == []


def test_the_smoke_test_says_what_it_needs(tmp_path):
    done = subprocess.run([str(FOLDER / "smoke.sh")], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "usage: smoke.sh MODEL_DIR IMAGE" in done.stderr
