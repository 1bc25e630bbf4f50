"""TensorFlow Serving's gRPC interface over a model of this process."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

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


@contextmanager
def grpc_in_background(model):
    """Serves a model while the block runs, and gives HOST:PORT."""
    server = grpc.server(ThreadPoolExecutor(4))
    services = GrpcServices(model)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(services, server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(services, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None)
