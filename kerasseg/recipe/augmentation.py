"""The section `[augmentation]` of a recipe."""

from pydantic import model_validator

from kerasseg import data
from kerasseg.recipe.section import Count, Fraction, NotNegative, Positive, Section


class AugmentationRecipe(Section):
    """`[augmentation]`: the random draws of training; see `kerasseg.data.Augmentation`."""

    crop_size: tuple[Count, Count]
    scale: tuple[Positive, Positive] = (0.5, 2.0)
    flip: bool = True
    brightness: NotNegative = 0.0
    contrast: NotNegative = 0.0
    saturation: NotNegative = 0.0
    hue: NotNegative = 0.0
    crop: str = "uniform"
    rotation: NotNegative = 0.0
    vertical_flip: bool = False
    blur_probability: Fraction = 0.0
    blur_sigma: tuple[Positive, Positive] = (0.3, 2.0)
    jpeg_probability: Fraction = 0.0
    jpeg_quality: tuple[Count, Count] = (30, 90)
    cutout_probability: Fraction = 0.0
    cutout_size: tuple[NotNegative, NotNegative] = (0.1, 0.4)
    grid_mask_probability: Fraction = 0.0
    grid_mask_ratio: tuple[NotNegative, NotNegative] = (0.2, 0.5)
    cutmix_probability: Fraction = 0.0
    copy_paste_probability: Fraction = 0.0
    photometric: str = "tensorflow"

    @model_validator(mode="after")
    def _usable(self) -> "AugmentationRecipe":
        self.build()
        return self

    def build(self) -> data.Augmentation:
        """Returns the draws as a function of image, label map and seed."""
        return data.Augmentation(**self.model_dump())
