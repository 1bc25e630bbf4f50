"""A dense CRF over the pixels of an image: optional refinement of what a model says of them."""

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from kerasseg.checks import is_number
from kerasseg.errors import KerassegError

LEAST_PROBABILITY = 1e-5  # below it a network's certainty could not be outvoted by any neighbour
_MOST_STEPS = 1000


@dataclass(frozen=True)
class DenseCRF:
    """Refines class probabilities by the colours of the image: `kerasseg[crf]`.

    Every pixel is a neighbour of every other one. Two that differ in class cost `weight *
    exp(-|f_i - f_j|^2 / 2)` in each of two terms: the smoothness term, whose `f` is the place over
    its deviation, and the bilateral term, whose `f` is place and colour over theirs. The mean
    field of it is what `refine` returns, by the updates of Krähenbühl and Koltun, "Efficient
    Inference in Fully Connected CRFs with Gaussian Edge Potentials", NIPS 2011
    (https://arxiv.org/abs/1210.5644), equations 2 and 3 and algorithm 1, in their own library,
    which sums over neighbours approximately, on a permutohedral lattice, and divides each kernel
    by the square roots of its sums at both pixels.

    The defaults of the smoothness term and the number of steps are those of Chen et al., "Semantic
    Image Segmentation with Deep Convolutional Nets and Fully Connected CRFs", ICLR 2015
    (https://arxiv.org/abs/1412.7062), those of the bilateral term lie in the ranges that they
    search. What fits a model is to be searched on images that it was not trained with.

    Args:
        steps: Updates of the mean field, 1..1000.
        smoothness_weight: Of the smoothness term, 0 or above.
        smoothness_deviation: Of the place, in pixels, above 0.
        bilateral_weight: Of the bilateral term, 0 or above.
        bilateral_deviation: Of the place, in pixels, above 0.
        colour_deviation: Of a colour channel, of 0..255, above 0.

    Raises:
        KerassegError: If an argument is out of its range.

    Example:
        >>> DenseCRF(steps=5).bilateral_deviation
        50.0
        >>> DenseCRF(colour_deviation=0)
        Traceback (most recent call last):
        kerasseg.errors.KerassegError: colour_deviation is a number above 0; received 0.
    """

    steps: int = 10
    smoothness_weight: float = 3.0
    smoothness_deviation: float = 3.0
    bilateral_weight: float = 5.0
    bilateral_deviation: float = 50.0
    colour_deviation: float = 10.0

    def __post_init__(self) -> None:
        steps: Any = self.steps
        whole = isinstance(steps, int) and not isinstance(steps, bool)
        if not whole or not 1 <= steps <= _MOST_STEPS:
            raise KerassegError(
                f"steps is a whole number of 1 to {_MOST_STEPS}; received {steps!r}."
            )
        for name, value in self.to_json().items():
            deviation, weight = name.endswith("_deviation"), name.endswith("_weight")
            if not (deviation or weight):
                continue
            fits = is_number(value) and np.isfinite(value)
            if not fits or value < 0 or (deviation and value == 0):
                accepted = "above 0" if deviation else "of at least 0"
                raise KerassegError(f"{name} is a number {accepted}; received {value!r}.")
            object.__setattr__(self, name, float(value))

    def refine(self, image: npt.ArrayLike, probabilities: npt.ArrayLike) -> np.ndarray:
        """Returns the refined probabilities of one image, float32 `(H, W, C)`.

        It takes one core, and memory in proportion to `H * W * (C + channels)`; the time grows
        with the steps and the classes too.

        Args:
            image: `(H, W, channels)`, 0..255.
            probabilities: `(H, W, C)`, C of at least 2; those below 1e-5 count as 1e-5.

        Raises:
            KerassegError: If the shapes do not fit, or the library is not installed.

        Example:
            >>> image = np.zeros((16, 24, 3), "uint8")
            >>> image[:, 12:] = 200
            >>> unsure = np.full((16, 24, 2), 0.5)
            >>> unsure[4, 4], unsure[12, 20] = (0.9, 0.1), (0.1, 0.9)
            >>> DenseCRF().refine(image, unsure).argmax(axis=-1)[8, [0, 11, 12, 23]]
            array([0, 0, 1, 1])
        """
        pixels, given = np.asarray(image, np.float32), np.asarray(probabilities, np.float32)
        if pixels.ndim != 3 or given.ndim != 3 or pixels.shape[:2] != given.shape[:2]:
            raise KerassegError(
                "a dense CRF takes an image (H, W, channels) and probabilities (H, W, C); received "
                f"{pixels.shape} and {given.shape}."
            )
        height, width, classes = given.shape
        if classes < 2:
            raise KerassegError("a dense CRF takes the probabilities of two classes or more.")
        library = crf_library()
        field = library.DenseCRF(height * width, classes)
        field.setUnaryEnergy(-np.log(_columns(np.maximum(given, LEAST_PROBABILITY))))
        for weight, features in self._terms(pixels):
            field.addPairwiseEnergy(
                _columns(features),
                compat=weight,
                kernel=library.DIAG_KERNEL,
                normalization=library.NORMALIZE_SYMMETRIC,
            )
        found = np.asarray(field.inference(self.steps), np.float32)
        return np.ascontiguousarray(found.T).reshape(given.shape)

    def _terms(self, pixels: np.ndarray) -> list[tuple[float, np.ndarray]]:
        """Returns the weight of each term and its features, float32 `(H, W, features)`."""
        rows, columns = np.indices(pixels.shape[:2], np.float32)
        places = np.stack([rows, columns], axis=-1)
        near = places / self.smoothness_deviation
        alike = [places / self.bilateral_deviation, pixels / self.colour_deviation]
        terms = [
            (self.smoothness_weight, near),
            (self.bilateral_weight, np.concatenate(alike, axis=-1)),
        ]
        return [(weight, features) for weight, features in terms if weight]

    def to_json(self) -> dict[str, Any]:
        """Returns the arguments as JSON holds them."""
        return asdict(self)

    @property
    def name(self) -> str:
        """What it is called in file names: `crf`, and what differs from the defaults."""
        changed = (
            each.name.replace("_", "-") + f"{getattr(self, each.name):g}"
            for each in fields(self)
            if getattr(self, each.name) != each.default
        )
        return "-".join(["crf", *changed])


def _columns(maps: np.ndarray) -> np.ndarray:
    """Returns maps `(H, W, C)` as the library wants them, float32 `(C, H * W)`."""
    flat = maps.reshape(-1, maps.shape[-1]).astype(np.float32)
    return np.ascontiguousarray(flat.T)


def crf_library() -> Any:
    """Returns the module of the library.

    Raises:
        KerassegError: If it is not installed.
    """
    try:
        from pydensecrf import densecrf
    except ImportError:
        raise KerassegError(
            'a dense CRF needs the package pydensecrf2: pip install "kerasseg[crf]".'
        ) from None
    return densecrf
