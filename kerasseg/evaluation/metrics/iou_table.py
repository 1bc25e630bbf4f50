"""The classes' IoU as text."""

from collections.abc import Sequence

import numpy as np

from kerasseg.evaluation.metrics.class_scores import Absent, absent_score, class_iou, mean_iou


def iou_table(class_names: Sequence[str], confusion: np.ndarray, absent: Absent = "skip") -> str:
    """Returns one line a class with its IoU and share of pixels, and the mean in the last line.

    A class that occurs in neither truth nor prediction has no IoU; where there is one the last line
    says what it is in the mean.

    Args:
        class_names: C names.
        confusion: `(C, C)`, pixels of true class i predicted as class j at `[i, j]`.
        absent: As for `mean_iou`.

    Raises:
        ValueError: If the number of names is not C.
        KerassegError: If there is no such treatment of absent classes.

    Example:
        >>> print(iou_table(("road", "car"), np.array([[3, 1], [0, 4]])))
        class   IoU    pixels
        road    0.750   50.0 %
        car     0.800   50.0 %
        mean IoU 0.775
    """
    width = max(len("class"), *(len(name) for name in class_names))
    shares = 100 * confusion.sum(axis=1) / max(confusion.sum(), 1)
    lines = [f"{'class':{width}}   IoU    pixels"]
    ious = class_iou(confusion)
    for name, iou, share in zip(class_names, ious, shares, strict=True):
        shown = "  -  " if np.isnan(iou) else f"{iou:.3f}"
        lines.append(f"{name:{width}}   {shown}  {share:5.1f} %")
    known = np.count_nonzero(~np.isnan(ious))
    of_some = ""
    if known < len(ious):
        of_some = f" of the {known} {'class that occurs' if known == 1 else 'classes that occur'}"
        if absent != "skip":
            of_some += f", and of {absent_score(absent):g} for each of the others"
    return "\n".join([*lines, f"mean IoU {mean_iou(confusion, absent):.3f}{of_some}"])
