import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kerasseg.serving.preview import ServedModel, preview_in_background
from tests.serving.client.grpc_server import grpc_in_background


@pytest.fixture(scope="package")
def served(saved_model):
    return ServedModel(saved_model.parent)


@pytest.fixture(scope="package")
def rest(served):
    with preview_in_background(served) as address:
        yield f"{address}v1/models/tiny"


@pytest.fixture(scope="package")
def over_grpc(served):
    with grpc_in_background(served) as host:
        yield f"grpc://{host}/v1/models/tiny"


@pytest.fixture(params=["rest", "over_grpc"])
def url(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def scripted():
    """A server that says what it is told to: `answers` holds a status and a body for each request.

    The last one is for all that follow. `None` for a body never comes.
    """

    class Handler(BaseHTTPRequestHandler):
        answers = ()
        asked = 0
        ended = threading.Event()

        def log_message(self, *_):
            pass

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            status, body = self.answers[min(type(self).asked, len(self.answers) - 1)]
            type(self).asked += 1
            if body is None:
                self.ended.wait(20)
                return
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        Handler.url = f"http://127.0.0.1:{server.server_port}/v1/models/tiny"
        yield Handler
        Handler.ended.set()
        server.shutdown()
