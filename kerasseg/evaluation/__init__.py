"""Evaluation: one engine, its protocols and metrics, what it shows, and how runs compare."""

from kerasseg.evaluation.bootstrap import PairedInterval, mean_iou_of_counts, paired_bootstrap
from kerasseg.evaluation.comparison import Comparison, compare, comparison_table
from kerasseg.evaluation.dense_crf import DenseCRF
from kerasseg.evaluation.engine import (
    Evaluation,
    confusion_matrix,
    evaluate,
    evaluate_images,
    predict,
)
from kerasseg.evaluation.image_counts import (
    ImageCounts,
    image_counts,
    read_image_counts,
    write_image_counts,
)
from kerasseg.evaluation.metrics import (
    BoundaryF1,
    BoundaryIoU,
    ExpectedCalibrationError,
    FrequencyWeightedIoU,
    MeanAccuracy,
    MeanDice,
    MeanIoU,
    PixelAccuracy,
    class_accuracy,
    class_dice,
    class_iou,
    frequency_weighted_iou,
    image_boundary_overlaps,
    image_contour_matches,
    iou_table,
    mean_accuracy,
    mean_dice,
    mean_iou,
    pixel_accuracy,
)
from kerasseg.evaluation.predictor import Predictor
from kerasseg.evaluation.protocol import PROTOCOLS, Protocol, protocol_of
from kerasseg.evaluation.result.details import Details, Tally
from kerasseg.evaluation.tile_differences import tile_differences
from kerasseg.evaluation.windows import ArrayReader, RasterReader, predict_raster

__all__ = [
    "PROTOCOLS",
    "ArrayReader",
    "BoundaryF1",
    "BoundaryIoU",
    "Comparison",
    "DenseCRF",
    "Details",
    "Evaluation",
    "ExpectedCalibrationError",
    "FrequencyWeightedIoU",
    "ImageCounts",
    "MeanAccuracy",
    "MeanDice",
    "MeanIoU",
    "PairedInterval",
    "PixelAccuracy",
    "Predictor",
    "Protocol",
    "RasterReader",
    "Tally",
    "class_accuracy",
    "class_dice",
    "class_iou",
    "compare",
    "comparison_table",
    "confusion_matrix",
    "evaluate",
    "evaluate_images",
    "frequency_weighted_iou",
    "image_boundary_overlaps",
    "image_contour_matches",
    "image_counts",
    "iou_table",
    "mean_accuracy",
    "mean_dice",
    "mean_iou",
    "mean_iou_of_counts",
    "paired_bootstrap",
    "pixel_accuracy",
    "predict",
    "predict_raster",
    "protocol_of",
    "read_image_counts",
    "tile_differences",
    "write_image_counts",
]
