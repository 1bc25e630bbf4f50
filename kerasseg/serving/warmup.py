"""Warm-up requests: what TensorFlow Serving asks a model before it lets clients in."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.serving.images import decoded, fitting_size, png
from kerasseg.serving.signatures import signature_kinds

WARMUP_FILE = "tf_serving_warmup_requests"
MOST_REQUESTS = 1000  # TensorFlow Serving refuses a longer file
_DEFAULT_SIZE = (256, 320)


def default_images(max_pixels: int | None = None) -> list[bytes]:
    """Returns one encoded image, plain grey, for a model that has no pictures of its own.

    Args:
        max_pixels: The largest image that the model takes; None for any.
    """
    size = fitting_size(*_DEFAULT_SIZE, max_pixels)
    return [png(np.full((*size, 3), 128, np.uint8))]


def warmup_requests(
    images: Sequence[bytes],
    model_name: str,
    kinds: Mapping[str, str] | None = None,
    max_pixels: int | None = None,
) -> list[bytes]:
    """Returns one serialised PredictionLog an image and signature.

    Args:
        images: Encoded images; the requests have their sizes. None of them, no requests.
        model_name: The name in the requests. The server does not look at it.
        kinds: What each signature is, by name; None for the usual ones.
        max_pixels: The largest image that the signatures take; None for any.

    Raises:
        KerassegError: If `tensorflow-serving-api` is missing, an image cannot be decoded or is
            too large (the server would then refuse to load the model), or there are too many.
    """
    kinds = kinds or signature_kinds()
    if len(images) * len(kinds) > MOST_REQUESTS:
        raise KerassegError(
            f"{len(images)} warm-up images make {len(images) * len(kinds)} requests; "
            f"TensorFlow Serving takes at most {MOST_REQUESTS}: give a few typical images."
        )
    if not images:
        return []
    log, records = _prediction_log(), []
    for signature, name, value in _requests(images, kinds, max_pixels):
        record = log.PredictionLog()
        request = record.predict_log.request
        request.model_spec.name = model_name
        request.model_spec.signature_name = signature
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
        records.append(record.SerializeToString())
    return records


def write_warmup_requests(path: Path, requests: Sequence[bytes]) -> None:
    """Writes what `warmup_requests` returned to `assets.extra/tf_serving_warmup_requests`."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for request in requests:
            writer.write(request)


def _requests(
    images: Sequence[bytes], kinds: Mapping[str, str], max_pixels: int | None
) -> Iterator[tuple[str, str, Any]]:
    for place, image in enumerate(images):
        pixels = decoded(f"warm-up image {place}", image)
        height, width = pixels.shape[:2]
        if max_pixels is not None and height * width > max_pixels:
            raise KerassegError(
                f"warm-up image {place} has {height}x{width} pixels, and the model is to take at "
                f"most {max_pixels}: give smaller ones in warmup_images, none at all by "
                "warmup_images=() (--no-warmup), or raise max_pixels (--max-pixels)."
            )
        for signature, kind in kinds.items():
            if kind in ("bytes", "overlay"):
                yield signature, "image_bytes", [image]
            else:
                yield signature, "pixels", pixels[None]


def _prediction_log() -> Any:
    try:
        from tensorflow_serving.apis import prediction_log_pb2
    except ImportError:
        raise KerassegError(
            'warm-up requests need another package: pip install "kerasseg[serving]", or leave '
            "them out with warmup_images=() (--no-warmup on the command line)."
        ) from None
    return prediction_log_pb2
