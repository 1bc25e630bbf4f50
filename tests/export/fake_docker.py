"""Stands for Docker with one image, TensorFlow Serving's, which is the preview with counters.

Run as `docker COMMAND ...`; what it knows between the commands lies in $FAKE_DOCKER. The process of
the server is this program too: `fake_docker.py serve BASE NAME`.
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
        print((STATE / "address").read_text())
    elif command == "inspect":
        print("true" if "Running" in arguments[1] else "sha256:0123")
    elif command == "rm":
        os.kill(int(pid.read_text()), signal.SIGTERM)
        pid.unlink()
    else:
        print(f"{command}: nothing to tell")


def run(arguments):
    """Starts the server on the volume that is mounted as the model's."""
    (STATE / "run").write_text("\n".join(arguments))
    volumes = [arguments[place + 1] for place, each in enumerate(arguments) if each == "-v"]
    base, name = next(each.split(":")[:2] for each in volumes if ":/models/" in each)
    command = [sys.executable, __file__, "serve", base, Path(name).name]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)
    (STATE / "pid").write_text(str(process.pid))
    while not (STATE / "address").exists():
        time.sleep(0.1)


def serve(base, name):
    """Serves the model until it is ended."""
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    from kerasseg.serving.preview import ServedModel, app, run_preview
    from kerasseg.serving.preview.server import PreviewOptions

    usual = app.preview_app

    def with_counters(*arguments):
        made = usual(*arguments)
        counters = Route("/monitoring/metrics", lambda _: PlainTextResponse(":tensorflow:x 1\n"))
        made.router.routes.insert(0, counters)
        return made

    app.preview_app = with_counters

    def started(address):
        partial = STATE / "address.partial"
        partial.write_text(address.removeprefix("http://").rstrip("/"))
        partial.rename(STATE / "address")

    run_preview(ServedModel(base, name), PreviewOptions(port=0), started)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
