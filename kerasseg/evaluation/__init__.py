"""Evaluation: one engine, its metrics, and what it shows."""

from kerasseg.evaluation.engine import Evaluation, confusion_matrix, evaluate_images, predict
from kerasseg.evaluation.metrics import MeanIoU, class_iou, iou_table, mean_iou

__all__ = [
    "Evaluation",
    "MeanIoU",
    "class_iou",
    "confusion_matrix",
    "evaluate_images",
    "iou_table",
    "mean_iou",
    "predict",
]
