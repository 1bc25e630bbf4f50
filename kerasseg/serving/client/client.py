"""A client of a served segmentation model."""

import time
from typing import Any, Protocol

from kerasseg.checks import is_count, is_number
from kerasseg.errors import KerassegError
from kerasseg.serving.client.address import ModelAddress
from kerasseg.serving.client.answer import Answer, ServingError

_FIRST_WAIT = 0.25  # seconds
_LONGEST_WAIT = 8.0


class Transport(Protocol):
    """How requests reach the server."""

    def check(self, seconds: float) -> None:
        """Returns if the server has the model ready."""

    def ask(self, signature: str, image: bytes, seconds: float) -> dict[str, Any]:
        """Returns the outputs of a signature for one image."""

    def close(self) -> None:
        """Closes the connections."""


class SegmentationClient:
    """Asks TensorFlow Serving, or a preview, what an image shows. Threads may share it.

    A request that fails for now (no connection, a busy or starting server) is sent again after a
    while that doubles each time and is drawn at random below that, so that many clients do not
    come back at once (full jitter). An answer to a bad request is final.

    Args:
        url: The model: `http://HOST:8501/v1/models/NAME` for REST, `grpc://HOST:8500/v1/models/NAME`
            for gRPC; `https` and `grpcs` encrypt.
        signature: One that takes `image_bytes` and gives `mask_bytes`: `"bytes"` where the model
            was exported with `--default-signature pixels`.
        deadline: Seconds for an image, all its tries and the waits between them together.
        retries: How often a request is sent again, at most.

    Raises:
        KerassegError: If the address is none, an argument is out of its range, or the extra
            `client` is not installed.

    Example:
        >>> import keras
        >>> import tensorflow as tf
        >>> from kerasseg.serving import export_saved_model
        >>> from kerasseg.serving.preview import ServedModel, preview_in_background
        >>> images = keras.Input((None, None, 3))
        >>> logits = keras.layers.Conv2D(2, 3, padding="same", name="logits")(images)
        >>> version = export_saved_model(keras.Model(images, logits), "leaves", warmup_images=())
        >>> picture = tf.io.encode_jpeg(tf.fill((40, 56, 3), tf.constant(90, tf.uint8))).numpy()
        >>> with preview_in_background(ServedModel("leaves")) as address:
        ...     with SegmentationClient(f"{address}v1/models/leaves") as client:
        ...         print(client.segment(picture).mask.shape)
        (40, 56)
    """

    def __init__(
        self,
        url: str,
        *,
        signature: str = "serving_default",
        deadline: float = 60.0,
        retries: int = 4,
    ) -> None:
        self.address = ModelAddress.parse(url)
        if not is_number(deadline) or not 0 < deadline < float("inf"):
            raise KerassegError(f"deadline is a number of seconds above 0; received {deadline!r}.")
        if retries != 0 and not is_count(retries):
            raise KerassegError(f"retries is a whole number of at least 0; received {retries!r}.")
        self._signature, self._deadline, self._retries = signature, deadline, retries
        self._transport = _transport(self.address)

    def __enter__(self) -> "SegmentationClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def check(self) -> None:
        """Returns if the server has the model ready; waits for it as `segment` does.

        Raises:
            ServingError: If it does not.
        """
        self._retried(self._transport.check)

    def segment(self, image: bytes) -> Answer:
        """Returns what an image shows.

        Args:
            image: A whole JPEG, PNG, GIF, BMP or WebP file.

        Raises:
            ServingError: If the image cannot be used, or there is no answer.
        """
        outputs = self._ask(self._signature, image, ("mask_bytes", "confidence", "class_shares"))
        shares = tuple(map(float, outputs["class_shares"]))
        return Answer(outputs["mask_bytes"], float(outputs["confidence"]), shares)

    def overlay(self, image: bytes) -> bytes:
        """Returns a JPEG of an image under the colours of its classes, which the server draws.

        Args:
            image: As for `segment`.

        Raises:
            ServingError: As `segment`.
        """
        picture: bytes = self._ask("overlay", image, ("overlay_bytes",))["overlay_bytes"]
        return picture

    def _ask(self, signature: str, image: bytes, wanted: tuple[str, ...]) -> dict[str, Any]:
        outputs = self._retried(lambda seconds: self._transport.ask(signature, image, seconds))
        if outputs.get("error"):
            error = outputs["error"]
            raise ServingError(error.decode() if isinstance(error, bytes) else str(error))
        missing = [name for name in wanted if name not in outputs]
        if missing:
            raise ServingError(
                f"the signature {signature!r} of {self.address} gives {', '.join(outputs)} and no "
                f"{', '.join(missing)}: name one that gives masks (--signature)."
            )
        return outputs

    def _retried(self, call: Any) -> Any:
        import tenacity

        end = time.monotonic() + self._deadline
        again = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda e: isinstance(e, ServingError) and e.passing),
            wait=tenacity.wait_random_exponential(_FIRST_WAIT, _LONGEST_WAIT),
            stop=tenacity.stop_after_attempt(self._retries + 1)
            | tenacity.stop_before_delay(self._deadline),
            reraise=True,
        )
        return again(lambda: call(max(end - time.monotonic(), 1e-3)))


def _transport(address: ModelAddress) -> Transport:
    try:
        if address.scheme in ("http", "https"):
            from kerasseg.serving.client.rest import RestTransport

            return RestTransport(address)
        from kerasseg.serving.client.grpc_transport import GrpcTransport

        return GrpcTransport(address)
    except ImportError as error:
        raise KerassegError(
            f'{address} needs another package: pip install "kerasseg[client]" ({error}).'
        ) from None
