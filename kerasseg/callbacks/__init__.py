"""What `fit` lacks: exact resume, the best weights, speed and time left, pictures."""

from kerasseg.callbacks.average_weights import AverageWeights
from kerasseg.callbacks.best_model import BestModel
from kerasseg.callbacks.epoch_checkpoint import EpochCheckpoint
from kerasseg.callbacks.progress import Progress
from kerasseg.callbacks.stop_on_non_finite import StopOnNonFinite
from kerasseg.callbacks.validation_board import ValidationBoard

__all__ = [
    "AverageWeights",
    "BestModel",
    "EpochCheckpoint",
    "Progress",
    "StopOnNonFinite",
    "ValidationBoard",
]
