"""What `fit` lacks: exact resume, an early end, the best weights, speed and time left, pictures."""

from kerasseg.callbacks.average_weights import AverageWeights
from kerasseg.callbacks.best_model import BestModel
from kerasseg.callbacks.early_stop import EarlyStop
from kerasseg.callbacks.epoch_checkpoint import EpochCheckpoint
from kerasseg.callbacks.epoch_line import EpochLine
from kerasseg.callbacks.epoch_scalars import EpochScalars
from kerasseg.callbacks.event_files import forget_later_epochs
from kerasseg.callbacks.learning_rate_log import LearningRateLog
from kerasseg.callbacks.partial_execution import PartialExecution, without_length
from kerasseg.callbacks.progress import Progress
from kerasseg.callbacks.progress_bar import ProgressBar
from kerasseg.callbacks.reduce_on_plateau import ReduceOnPlateau
from kerasseg.callbacks.stop_on_non_finite import StopOnNonFinite
from kerasseg.callbacks.validation_board import ValidationBoard

__all__ = [
    "AverageWeights",
    "BestModel",
    "EarlyStop",
    "EpochCheckpoint",
    "EpochLine",
    "EpochScalars",
    "LearningRateLog",
    "PartialExecution",
    "Progress",
    "ProgressBar",
    "ReduceOnPlateau",
    "StopOnNonFinite",
    "ValidationBoard",
    "forget_later_epochs",
    "without_length",
]
