"""TensorFlow Serving's gRPC interface, by the messages of `tensorflow-serving-api`."""

from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from kerasseg.serving.client.address import ModelAddress
from kerasseg.serving.client.answer import ServingError, check_available

_PASSING = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
)
# gRPC's own bound, 4 MB for what is received, is below a large overlay.
_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


class GrpcTransport:
    """Sends requests over one gRPC channel. Threads may share it.

    Args:
        address: The model.

    Example:
        >>> transport = GrpcTransport(ModelAddress.parse("grpc://localhost:1/v1/models/leaves"))
        >>> transport.check(seconds=1)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        kerasseg.serving.client.answer.ServingError: grpc://localhost:1/v1/models/leaves: ...
    """

    def __init__(self, address: ModelAddress) -> None:
        self._address = address
        if address.scheme == "grpcs":
            credentials = grpc.ssl_channel_credentials()
            self._channel = grpc.secure_channel(address.host, credentials, _OPTIONS)
        else:
            self._channel = grpc.insecure_channel(address.host, _OPTIONS)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(self._channel)

    def check(self, seconds: float) -> None:
        """Returns if the server has the model ready.

        Raises:
            ServingError: If it does not.
        """
        request = get_model_status_pb2.GetModelStatusRequest(model_spec=self._spec())
        found = self._asked(self._models.GetModelStatus, request, seconds).model_version_status
        state = get_model_status_pb2.ModelVersionStatus.State
        check_available(self._address, [state.Name(status.state) for status in found])

    def ask(self, signature: str, image: bytes, seconds: float) -> dict[str, Any]:
        """Returns the outputs of a signature for one image.

        Args:
            signature: It takes `image_bytes`.
            image: An encoded image.
            seconds: How long an answer is waited for.

        Raises:
            ServingError: If there is none.
        """
        request = predict_pb2.PredictRequest(model_spec=self._spec(signature))
        request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto([image]))
        outputs = self._asked(self._predictions.Predict, request, seconds).outputs
        return {name: _first(outputs[name]) for name in outputs}

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()

    def _spec(self, signature: str = "") -> Any:
        spec = model_pb2.ModelSpec(name=self._address.name, signature_name=signature)
        if self._address.version is not None:
            spec.version.value = self._address.version
        if self._address.label is not None:
            spec.version_label = self._address.label
        return spec

    def _asked(self, method: Any, request: Any, seconds: float) -> Any:
        try:
            return method(request, timeout=seconds)
        except grpc.RpcError as error:
            code = error.code()
            raise ServingError(
                f"{self._address}: {code.name}: {error.details()}", passing=code in _PASSING
            ) from None


def _first(tensor: Any) -> Any:
    value = tf.make_ndarray(tensor)[0]
    return value.tolist() if isinstance(value, np.ndarray) else value
