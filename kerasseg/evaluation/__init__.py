"""Evaluation: one engine, its protocols and metrics, and what it shows."""

from kerasseg.evaluation.dense_crf import DenseCRF
from kerasseg.evaluation.engine import (
    Evaluation,
    confusion_matrix,
    evaluate,
    evaluate_images,
    predict,
)
from kerasseg.evaluation.metrics import MeanIoU, class_iou, iou_table, mean_iou
from kerasseg.evaluation.predictor import Predictor
from kerasseg.evaluation.protocol import PROTOCOLS, Protocol, protocol_of
from kerasseg.evaluation.tile_differences import tile_differences
from kerasseg.evaluation.windows import ArrayReader, RasterReader, predict_raster

__all__ = [
    "PROTOCOLS",
    "ArrayReader",
    "DenseCRF",
    "Evaluation",
    "MeanIoU",
    "Predictor",
    "Protocol",
    "RasterReader",
    "class_iou",
    "confusion_matrix",
    "evaluate",
    "evaluate_images",
    "iou_table",
    "mean_iou",
    "predict",
    "predict_raster",
    "protocol_of",
    "tile_differences",
]
