"""How far an exported file may be from the Keras model and still agree with it."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Limits:
    """How far a file may be from the Keras model.

    Args:
        probability: Largest difference of a probability, on every image; None for any.
        other_class: Share of the pixels of real images whose class may differ; None for any.
        mean_iou: By how much the mean IoU on a data set may be lower, 0..1.

    Example:
        >>> print(LIMITS["int8"])
        5 % of the pixels, 1 point of mean IoU
    """

    probability: float | None
    other_class: float | None
    mean_iou: float

    def __str__(self) -> str:
        points = 100 * self.mean_iou
        parts = [
            *([f"{self.probability:g} of a probability"] if self.probability else []),
            *([f"{100 * self.other_class:g} % of the pixels"] if self.other_class else []),
            f"{points:g} point{'' if points == 1 else 's'} of mean IoU",
        ]
        return ", ".join(parts)


# By precision. In float32 nothing but the order of summation differs. Of the others a single
# probability says little, since classes are close to each other somewhere in every image.
LIMITS = {
    "float32": Limits(1e-4, None, 0.0005),
    "float16": Limits(None, 0.01, 0.002),
    "bfloat16": Limits(None, 0.02, 0.005),
    "int8": Limits(None, 0.05, 0.01),
}


def limits_of(precision: str, evaluated: str) -> Limits:
    """Returns the limits of a file.

    Args:
        precision: What it computes in.
        evaluated: What the Keras model computed in when it was evaluated, with the mean IoU of
            which the file's is compared.

    Example:
        >>> limits_of("float32", "bfloat16").mean_iou == LIMITS["bfloat16"].mean_iou
        True
    """
    mean_iou = max(LIMITS[each].mean_iou for each in (precision, evaluated))
    return replace(LIMITS[precision], mean_iou=mean_iou)
