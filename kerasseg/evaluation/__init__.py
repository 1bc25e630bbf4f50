"""Evaluation: one engine, its metrics, and what it shows."""

from kerasseg.evaluation.engine import confusion_matrix, predict
from kerasseg.evaluation.metrics import MeanIoU, class_iou, iou_table, mean_iou

__all__ = [
    "MeanIoU",
    "class_iou",
    "confusion_matrix",
    "iou_table",
    "mean_iou",
    "predict",
]
