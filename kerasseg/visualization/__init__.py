"""Pictures of what models predict, and of what EfficientFCN's codewords attend to."""

from kerasseg.visualization.codewords import peaked_codewords, weighting_map_picture
from kerasseg.visualization.label_maps import (
    colour_map,
    contact_sheet,
    labelled_crop,
    overlay,
    side_by_side,
)

__all__ = [
    "colour_map",
    "contact_sheet",
    "labelled_crop",
    "overlay",
    "peaked_codewords",
    "side_by_side",
    "weighting_map_picture",
]
