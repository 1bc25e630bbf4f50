"""Metrics over label maps, streaming and void-aware."""

from kerasseg.evaluation.metrics.boundary_f1 import BoundaryF1, image_contour_matches
from kerasseg.evaluation.metrics.boundary_iou import BoundaryIoU, image_boundary_overlaps
from kerasseg.evaluation.metrics.class_confusions import class_confusions
from kerasseg.evaluation.metrics.class_scores import (
    class_accuracy,
    class_dice,
    class_iou,
    frequency_weighted_iou,
    mean_accuracy,
    mean_dice,
    mean_iou,
    pixel_accuracy,
    row_shares,
)
from kerasseg.evaluation.metrics.confusion_metrics import (
    FrequencyWeightedIoU,
    MeanAccuracy,
    MeanDice,
    MeanIoU,
    PixelAccuracy,
)
from kerasseg.evaluation.metrics.expected_calibration_error import ExpectedCalibrationError
from kerasseg.evaluation.metrics.iou_table import iou_table

__all__ = [
    "BoundaryF1",
    "BoundaryIoU",
    "ExpectedCalibrationError",
    "FrequencyWeightedIoU",
    "MeanAccuracy",
    "MeanDice",
    "MeanIoU",
    "PixelAccuracy",
    "class_accuracy",
    "class_confusions",
    "class_dice",
    "class_iou",
    "frequency_weighted_iou",
    "image_boundary_overlaps",
    "image_contour_matches",
    "iou_table",
    "mean_accuracy",
    "mean_dice",
    "mean_iou",
    "pixel_accuracy",
    "row_shares",
]
