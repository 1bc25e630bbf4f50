"""The figures of a split: how many, how large, of which kinds, how much of each class."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kerasseg.data.doctor.class_weights import ClassHistogram, histogram_of
from kerasseg.data.doctor.examination import Examination
from kerasseg.data.doctor.findings import Place, shown_path
from kerasseg.data.doctor.image_file import ImagePixels, shown_size
from kerasseg.data.doctor.study import Study, pixels_by_value

_WORST = 4


@dataclass(frozen=True)
class SplitStatistics:
    """The figures of a split.

    Attributes:
        pairs: How many pairs it has.
        sizes: How many images of each size, as width times height, the commonest first.
        image_kinds: How many images of each format and colours.
        label_kinds: How many label maps of each depth and colours.
        classes: Pixels and label maps of each class.
        void_pixels: Pixels that are void.
        pixels: All pixels of the label maps.
        most_void: The label maps with the largest share of void, and that share.
        mean: Of each channel over all pixels, RGB 0..255; None where no image can be read.
        deviation: The standard deviation of the same.
    """

    pairs: int
    sizes: dict[str, int]
    image_kinds: dict[str, int]
    label_kinds: dict[str, int]
    classes: ClassHistogram
    void_pixels: int
    pixels: int
    most_void: tuple[Place, ...]
    mean: tuple[float, float, float] | None
    deviation: tuple[float, float, float] | None


def split_statistics(study: Study, split: str) -> SplitStatistics:
    """Returns the figures of a split.

    Args:
        study: All examinations.
        split: One of its splits.
    """
    examinations = study.splits[split]
    values = pixels_by_value(examinations)
    mean, deviation = _channels(examinations)
    headers = [each.image.header for each in examinations]
    return SplitStatistics(
        pairs=len(examinations),
        sizes=_counted([shown_size(pixels.size) for pixels in _readable(examinations)]),
        image_kinds=_counted([header.kind for header in headers if header is not None]),
        label_kinds=_counted([each.label.kind for each in examinations if each.label.kind]),
        classes=histogram_of(_class_counts(study, examinations), study.labels),
        void_pixels=values[study.labels.ignore_label],
        pixels=values.total(),
        most_void=_most_void(study, examinations),
        mean=mean,
        deviation=deviation,
    )


def _counted(names: Sequence[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())


def _class_counts(
    study: Study, examinations: Sequence[Examination]
) -> Iterator[tuple[np.ndarray, int]]:
    for each in examinations:
        counts = np.zeros(study.labels.num_classes, np.int64)
        for value, pixels in each.label.values:
            if 0 <= value < len(counts):
                counts[value] = pixels
        yield counts, sum(each.values.values())


def _most_void(study: Study, examinations: Sequence[Examination]) -> tuple[Place, ...]:
    def share(each: Examination) -> float:
        return each.values.get(study.labels.ignore_label, 0) / sum(each.values.values())

    worst = sorted((each for each in examinations if each.values), key=share)[: -_WORST - 1 : -1]
    return tuple(
        Place(shown_path(each.pair.label, study.root), f"{100 * share(each):.1f} % void")
        for each in worst
        if share(each) > 0
    )


def _readable(examinations: Sequence[Examination]) -> list[ImagePixels]:
    return [each.image.pixels for each in examinations if each.image.pixels is not None]


_Channels = tuple[float, float, float]


def _channels(
    examinations: Sequence[Examination],
) -> tuple[_Channels, _Channels] | tuple[None, None]:
    """Returns mean and standard deviation of each channel."""
    images = _readable(examinations)
    # Whole numbers of any size, since float64 would round the sums of many images.
    count = sum(height * width for height, width in (image.size for image in images))
    if not count:
        return None, None
    means, deviations = [], []
    for channel in range(3):
        total = sum(image.sums[channel] for image in images)
        squares = sum(image.squares[channel] for image in images)
        means.append(total / count)
        deviations.append(((squares * count - total * total) / count**2) ** 0.5)
    return (means[0], means[1], means[2]), (deviations[0], deviations[1], deviations[2])
