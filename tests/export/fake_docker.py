"""Stands for Docker with one image, TensorFlow Serving's, which is the preview with counters.

Beside the preview's REST it has gRPC. It serves the model that the mounted `models.config` names,
from where that says. Run as `docker COMMAND ...`; what it knows between the commands lies in
$FAKE_DOCKER. The process of the server is this program too: `fake_docker.py serve BASE NAME`.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

STATE = Path(os.environ["FAKE_DOCKER"])


def main(command, *arguments):
    """Answers one command of those that smoke.sh gives."""
    pid = STATE / "pid"
    if command == "run":
        run(arguments)
        print("the-container")
    elif command == "port":
        print((STATE / arguments[1].replace("/", "-")).read_text())
    elif command == "exec":
        execute(*arguments[1:])
    elif command == "inspect":
        print("true" if "Running" in arguments[1] else "sha256:0123")
    elif command == "rm":
        os.kill(int(pid.read_text()), signal.SIGTERM)
        pid.unlink()
    else:
        print(f"{command}: nothing to tell")


def run(arguments):
    """Starts the server by its settings, on the volumes that are mounted."""
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    (STATE / "run").write_text("\n".join(arguments))
    (config,) = [each for each in arguments if each.startswith("--model_config_file=")]
    settings = text_format.Parse(
        mounted(config.partition("=")[2]).read_text(), model_server_config_pb2.ModelServerConfig()
    )
    (model,) = settings.model_config_list.config
    command = [sys.executable, __file__, "serve", str(mounted(model.base_path)), model.name]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)
    (STATE / "pid").write_text(str(process.pid))
    while not (STATE / "8501-tcp").exists():
        if process.poll() is not None:
            raise SystemExit(f"the server has ended with status {process.returncode}")
        time.sleep(0.1)


def mounted(path):
    """Returns where a path of the container lies."""
    arguments = (STATE / "run").read_text().splitlines()
    volumes = [arguments[place + 1] for place, each in enumerate(arguments) if each == "-v"]
    for volume in volumes:
        outside, inside = volume.split(":")[:2]
        if Path(path).is_relative_to(inside):
            return Path(outside) / Path(path).relative_to(inside)
    raise SystemExit(f"{path} is not mounted: {volumes}")


def execute(program, script, *arguments):
    """Runs a mounted script; the port of REST, 8501 in a container, comes as its last argument."""
    port = (STATE / "8501-tcp").read_text().rpartition(":")[2]
    command = [program, str(mounted(script)), *arguments, port]
    raise SystemExit(subprocess.run(command, check=False).returncode)


def serve(base, name):
    """Serves the model until it is ended."""
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    from kerasseg.serving.preview import ServedModel, app, run_preview
    from kerasseg.serving.preview.server import PreviewOptions
    from tests.serving.client.grpc_server import grpc_in_background

    usual = app.preview_app

    def with_counters(*arguments):
        made = usual(*arguments)
        counters = Route("/monitoring/metrics", lambda _: PlainTextResponse(":tensorflow:x 1\n"))
        made.router.routes.insert(0, counters)
        return made

    app.preview_app = with_counters

    def tell(port, address):
        partial = STATE / "address.partial"
        partial.write_text(address)
        partial.rename(STATE / f"{port}-tcp")

    model = ServedModel(base, name)
    with grpc_in_background(model) as host:
        tell(8500, host)
        run_preview(
            model,
            PreviewOptions(port=0),
            lambda url: tell(8501, url.removeprefix("http://").rstrip("/")),
        )


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
