"""All random changes of an example and of a batch, in their order."""

from dataclasses import dataclass
from typing import Literal, get_args

import tensorflow as tf

from kerasseg.data.augmentation import colour, photometric, regions
from kerasseg.data.augmentation.draws import fold, split, uniform
from kerasseg.data.augmentation.geometry import (
    CropMode,
    WindowReader,
    random_scale_crop,
    random_vertical_flip,
)
from kerasseg.data.augmentation.mixing import random_copy_paste, random_cutmix
from kerasseg.errors import KerassegError, unknown_name

Photometric = Literal["tensorflow", "keras_cv"]

_CHOICES = {"crop": CropMode, "photometric": Photometric}
_LARGEST = {
    "rotation": 180,
    "brightness": 1,
    "contrast": 1,
    "saturation": 1,
    "hue": 0.5,
    "blur_probability": 1,
    "jpeg_probability": 1,
    "cutout_probability": 1,
    "grid_mask_probability": 1,
    "cutmix_probability": 1,
    "copy_paste_probability": 1,
}
_WITHIN = {
    "blur_sigma": (0.1, 20),
    "jpeg_quality": (1, 100),
    "cutout_size": (0, 1),
    "grid_mask_ratio": (0, 1),
}


@dataclass(frozen=True)
class Augmentation:
    """Random changes of an image and its label map, a pure function of (example, seed).

    In this order: crop, scale and rotation in one, flip, JPEG noise, blur, colour, cutout, grid
    mask; on a finished batch CutMix and copy-paste. Each draws for itself, so that switching one
    on leaves what the others do.

    Blur, JPEG noise and colour come after the crop was padded: within their reach of the padding
    (three deviations of the blur, 16 pixels of JPEG noise) seen pixels take up some of the fill
    colour, and the mean that contrast leaves in its place counts the padding. The label map is
    void in the padding whatever they do.

    Args:
        crop_size: Height and width of the result, pixels.
        scale: The image is scaled by a factor drawn evenly between these two.
        flip: Whether half of the images are mirrored left to right.
        brightness: Largest change of the brightness, as a part of the range 0..255; 0..1.
        contrast: The distance from the crop's mean is multiplied by 1 ± at most this; 0..1.
        saturation: The distance from grey is multiplied by 1 ± at most this; 0..1.
        hue: Largest turn of the colour circle, in whole turns; 0..0.5.
        crop: `"uniform"` for any place in the image, or `"class_balanced"`: a class is drawn
            evenly among those that occur in the label map, then a pixel of it, and the crop is
            one of those that hold this pixel (so do the authors of RefineNet, arXiv 1611.06612).
        rotation: The crop is turned about its centre by an angle drawn evenly from ± this;
            degrees, 0..180. Beyond the image it is void.
        vertical_flip: Whether half of the images are turned upside down by a mirror.
        blur_probability: How often the crop is blurred by a Gaussian; 0..1, as the others.
        blur_sigma: Its smallest and largest deviation, pixels; 0.1..20.
        jpeg_probability: How often the crop gets the noise of JPEG compression.
        jpeg_quality: Its lowest and highest quality; 1..100.
        cutout_probability: How often a rectangle is hidden. What is hidden is void in the label
            map too: the loss must not ask for what cannot be seen.
        cutout_size: Its smallest and largest side, as a part of that of the crop; 0..1.
        grid_mask_probability: How often the squares of a turned grid are hidden, likewise void.
        grid_mask_ratio: Their smallest and largest side, as a part of the distance from one to
            the next; 0..1.
        cutmix_probability: How often an image takes a rectangle of the next one of its batch,
            with the labels.
        copy_paste_probability: How often an image takes all pixels of half of the classes of the
            next one of its batch (after its CutMix), with the labels; never void.
        photometric: What computes brightness, contrast, saturation, hue, JPEG noise and grid
            mask: `"tensorflow"`, or the layers of `"keras_cv"`, whose saturation and hue are
            those of HSV.

    Raises:
        KerassegError: If a value is out of its range.

    Example:
        >>> augment = Augmentation(crop_size=(64, 64), brightness=0.1, rotation=10)
        >>> image, label = tf.zeros((40, 50, 3), tf.uint8), tf.zeros((40, 50), tf.int32)
        >>> image, label = augment(image, label, seed=(0, 1), ignore_label=255)
        >>> image.shape, label.shape
        (TensorShape([64, 64, 3]), TensorShape([64, 64]))
    """

    crop_size: tuple[int, int]
    scale: tuple[float, float] = (0.5, 2.0)
    flip: bool = True
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    crop: CropMode = "uniform"
    rotation: float = 0.0
    vertical_flip: bool = False
    blur_probability: float = 0.0
    blur_sigma: tuple[float, float] = (0.3, 2.0)
    jpeg_probability: float = 0.0
    jpeg_quality: tuple[int, int] = (30, 90)
    cutout_probability: float = 0.0
    cutout_size: tuple[float, float] = (0.1, 0.4)
    grid_mask_probability: float = 0.0
    grid_mask_ratio: tuple[float, float] = (0.2, 0.5)
    cutmix_probability: float = 0.0
    copy_paste_probability: float = 0.0
    photometric: Photometric = "tensorflow"

    def __post_init__(self) -> None:
        if len(self.crop_size) != 2 or min(self.crop_size) < 1:
            raise KerassegError(f"crop_size is (height, width) in pixels; got {self.crop_size}.")
        if len(self.scale) != 2 or not 0 < self.scale[0] <= self.scale[1]:
            raise KerassegError(
                f"scale is (smallest, largest), above 0; got {self.scale}: (0.5, 2.0) is usual."
            )
        for name, kind in _CHOICES.items():
            if getattr(self, name) not in get_args(kind):
                raise unknown_name(name, getattr(self, name), get_args(kind))
        for name, largest in _LARGEST.items():
            if not 0 <= getattr(self, name) <= largest:
                raise KerassegError(f"{name} lies within 0..{largest}; got {getattr(self, name)}.")
        for name, (low, high) in _WITHIN.items():
            pair = getattr(self, name)
            if len(pair) != 2 or not low <= pair[0] <= pair[1] <= high:
                raise KerassegError(
                    f"{name} is (smallest, largest) within {low}..{high}; got {pair}."
                )

    @property
    def mixes(self) -> bool:
        """Whether an image takes parts of another one of its batch."""
        return self.cutmix_probability > 0 or self.copy_paste_probability > 0

    def check_batch_size(self, batch_size: int) -> None:
        """Raises a `KerassegError` if images are to be mixed and a batch holds one alone."""
        if self.mixes and batch_size == 1:
            raise KerassegError(
                "cutmix_probability and copy_paste_probability take parts of the next image of "
                "the batch, and batch_size is 1: give at least 2, or set both to 0."
            )

    def __call__(
        self,
        image: tf.Tensor | WindowReader,
        label: tf.Tensor,
        seed: tf.Tensor,
        *,
        ignore_label: int,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the changed image, float32 `(h, w, 3)`, and label map `(h, w)`.

        Args:
            image: `(H, W, 3)`, 0..255; or a function from the first row and column and the
                height and width of a window, each int32 `(2,)`, to its pixels.
            label: `(H, W)`, an integer dtype, which is kept.
            seed: Two integers.
            ignore_label: The void label, written where nothing of the image is seen.

        Raises:
            KerassegError: If the dtype of the label map cannot hold the void label.
        """
        label = tf.convert_to_tensor(label)
        if not label.dtype.min <= ignore_label <= label.dtype.max:
            raise KerassegError(
                f"ignore_label {ignore_label} does not fit into a label map of {label.dtype.name}, "
                f"which holds {label.dtype.min}..{label.dtype.max}: cast it to int32 before."
            )
        seeds = split(seed, 8)
        image, label = random_scale_crop(
            image,
            label,
            seeds[0],
            self.crop_size,
            self.scale,
            ignore_label,
            crop=self.crop,
            rotation=self.rotation,
            mirrored=uniform(seeds[1]) < 0.5 if self.flip else False,
        )
        if self.vertical_flip:
            image, label = random_vertical_flip(image, label, seeds[3])
        image = self._recoloured(tf.ensure_shape(image, (*self.crop_size, 3)), seeds)
        image, label = self._covered(image, label, seeds, ignore_label)
        image = tf.ensure_shape(image, (*self.crop_size, 3))
        return image, tf.ensure_shape(label, self.crop_size)

    def _recoloured(self, image: tf.Tensor, seeds: list[tf.Tensor]) -> tf.Tensor:
        chosen = photometric if self.photometric == "keras_cv" else colour
        # First, since it rounds: a last digit that differs before it would do so visibly after it.
        if self.jpeg_probability:
            image = chosen.random_jpeg(image, seeds[4], self.jpeg_probability, self.jpeg_quality)
        if self.blur_probability:
            image = colour.random_blur(image, seeds[5], self.blur_probability, self.blur_sigma)
        return chosen.random_colour(
            image, seeds[2], self.brightness, self.contrast, self.saturation, self.hue
        )

    def _covered(
        self, image: tf.Tensor, label: tf.Tensor, seeds: list[tf.Tensor], ignore_label: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        chosen = photometric if self.photometric == "keras_cv" else regions
        if self.cutout_probability:
            image, label = regions.random_cutout(
                image, label, seeds[6], self.cutout_probability, self.cutout_size, ignore_label
            )
        if self.grid_mask_probability:
            chance, ratio = self.grid_mask_probability, self.grid_mask_ratio
            image, label = chosen.random_grid_mask(
                image, label, seeds[7], chance, ratio, ignore_label
            )
        return image, label

    def mix(
        self, images: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor, *, ignore_label: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns a batch whose images have taken parts of one another, labels with them.

        Args:
            images: `(B, h, w, 3)`.
            labels: `(B, h, w)`, an integer dtype, which is kept.
            seed: Two integers.
            ignore_label: The void label, which copy-paste never pastes.
        """
        if self.cutmix_probability:
            images, labels = random_cutmix(images, labels, fold(seed, 1), self.cutmix_probability)
        if self.copy_paste_probability:
            chance = self.copy_paste_probability
            images, labels = random_copy_paste(images, labels, fold(seed, 2), chance, ignore_label)
        return images, labels
