"""Evaluation: one engine, its protocols and metrics, what it shows, and how runs compare."""

from kerasseg.evaluation.comparison.bootstrap import (
    PairedInterval,
    mean_iou_of_counts,
    paired_bootstrap,
)
from kerasseg.evaluation.comparison.comparison import Comparison, compare, comparison_table
from kerasseg.evaluation.comparison.image_counts import (
    ImageCounts,
    image_counts,
    read_image_counts,
    write_image_counts,
)
from kerasseg.evaluation.inference.dense_crf import DenseCRF
from kerasseg.evaluation.inference.engine import (
    Evaluation,
    confusion_matrix,
    evaluate,
    evaluate_images,
    predict,
)
from kerasseg.evaluation.inference.predictor import Predictor
from kerasseg.evaluation.inference.protocol import PROTOCOLS, Protocol, protocol_of
from kerasseg.evaluation.inference.tile_differences import tile_differences
from kerasseg.evaluation.inference.windows import ArrayReader, RasterReader, predict_raster
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
from kerasseg.evaluation.result.details import Details, Tally

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
