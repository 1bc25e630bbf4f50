"""Asking a server for masks, over REST and gRPC."""

from kerasseg.serving.client.address import ModelAddress
from kerasseg.serving.client.answer import Answer, ServingError
from kerasseg.serving.client.client import SegmentationClient
from kerasseg.serving.client.files import Outcome, segment_files

__all__ = [
    "Answer",
    "ModelAddress",
    "Outcome",
    "SegmentationClient",
    "ServingError",
    "segment_files",
]
