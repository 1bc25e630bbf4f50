"""What a request is refused with."""

import tensorflow as tf

# TensorFlow Serving's ToHTTPStatusCode, model_servers/http_server.cc; what is not here is 500.
_STATUS_OF_CODE = {
    tf.errors.CANCELLED: 499,
    tf.errors.INVALID_ARGUMENT: 400,
    tf.errors.DEADLINE_EXCEEDED: 504,
    tf.errors.NOT_FOUND: 404,
    tf.errors.ALREADY_EXISTS: 409,
    tf.errors.PERMISSION_DENIED: 403,
    tf.errors.RESOURCE_EXHAUSTED: 429,
    tf.errors.FAILED_PRECONDITION: 400,
    tf.errors.ABORTED: 409,
    tf.errors.OUT_OF_RANGE: 400,
    tf.errors.UNIMPLEMENTED: 501,
    tf.errors.UNAVAILABLE: 503,
    tf.errors.UNAUTHENTICATED: 401,
}


class RestError(Exception):
    """An HTTP status and the text of `{"error": ...}`.

    Args:
        message: What is wrong with the request.
        status: The HTTP status.

    Example:
        >>> RestError("no such model", 404).status
        404
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def error_of_run(error: tf.errors.OpError) -> RestError:
    """Returns what an error of TensorFlow becomes, with the status that TensorFlow Serving gives.

    Example:
        >>> error_of_run(tf.errors.ResourceExhaustedError(None, None, "out of memory")).status
        429
    """
    return RestError(error.message, _STATUS_OF_CODE.get(error.error_code, 500))
