import json
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from kerasseg.serving.preview import ServedModel, preview_in_background
from kerasseg.serving.preview.request_path import Wanted
from kerasseg.serving.preview.rest_error import RestError

CODES = {400: grpc.StatusCode.INVALID_ARGUMENT, 404: grpc.StatusCode.NOT_FOUND}


class GrpcServices(
    prediction_service_pb2_grpc.PredictionServiceServicer,
    model_service_pb2_grpc.ModelServiceServicer,
):
    """TensorFlow Serving's messages, answered by a model of this process."""

    def __init__(self, model):
        self.model = model

    def wanted(self, spec):
        version = spec.version.value if spec.HasField("version") else None
        return Wanted(spec.name, version, spec.version_label or None, "")

    def Predict(self, request, context):  # noqa: N802
        try:
            version = self.model.version(self.wanted(request.model_spec))
            inputs = {name: tf.make_ndarray(each) for name, each in request.inputs.items()}
            outputs = version.run(request.model_spec.signature_name, inputs)
        except RestError as error:
            context.abort(CODES[error.status], str(error))
        tensors = {name: tf.make_tensor_proto(value) for name, value in outputs.items()}
        return predict_pb2.PredictResponse(outputs=tensors)

    def GetModelStatus(self, request, context):  # noqa: N802
        try:
            found = self.model.status(self.wanted(request.model_spec))["model_version_status"]
        except RestError as error:
            context.abort(CODES[error.status], str(error))
        answer = get_model_status_pb2.GetModelStatusResponse()
        for status in found:
            answer.model_version_status.add(version=int(status["version"]), state=status["state"])
        return answer


@pytest.fixture(scope="package")
def served(saved_model):
    return ServedModel(saved_model.parent)


@pytest.fixture(scope="package")
def rest(served):
    with preview_in_background(served) as address:
        yield f"{address}v1/models/tiny"


@pytest.fixture(scope="package")
def over_grpc(served):
    server = grpc.server(ThreadPoolExecutor(4))
    services = GrpcServices(served)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(services, server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(services, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"grpc://127.0.0.1:{port}/v1/models/tiny"
    server.stop(None)


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
