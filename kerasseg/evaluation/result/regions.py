"""Connected regions of the truth, by their size."""

import numpy as np

# The sides of squares of these areas double: 4, 8, 16, 32, 64, 128 pixels.
AREAS = (1, 16, 64, 256, 1024, 4096, 16384)


def connected_regions(label: np.ndarray, ignore_label: int) -> np.ndarray:
    """Returns the number of the region that each pixel belongs to, from 1; 0 for void.

    A region is of one class, and connected over the four neighbours of a pixel.

    Args:
        label: Class ids or void, `(H, W)`.
        ignore_label: The label of void pixels.

    Returns:
        int32 `(H, W)`.

    Example:
        >>> connected_regions(np.array([[0, 0, 1], [255, 1, 0]]), 255).tolist()
        [[1, 1, 2], [0, 3, 4]]
    """
    from scipy import ndimage

    # On a grid with a place between any two neighbours, which joins those of one class, a single
    # pass finds the regions of all classes.
    height, width = label.shape
    grid = np.zeros((2 * height - 1, 2 * width - 1), bool)
    valid = label != ignore_label
    grid[::2, ::2] = valid
    grid[::2, 1::2] = (label[:, 1:] == label[:, :-1]) & valid[:, 1:]
    grid[1::2, ::2] = (label[1:] == label[:-1]) & valid[1:]
    numbers, _ = ndimage.label(grid)
    return numbers[::2, ::2]


def region_counts(truth: np.ndarray, predicted: np.ndarray, ignore_label: int) -> np.ndarray:
    """Returns the true regions of each range of areas, their pixels, and those that are right.

    Args:
        truth: Class ids or void, `(H, W)`.
        predicted: Class ids, `(H, W)`.
        ignore_label: The label of void pixels.

    Returns:
        int64 `(3, len(AREAS))`; a region belongs to the last of `AREAS` that it is not below.

    Example:
        >>> truth, predicted = np.zeros((4, 5), int), np.zeros((4, 5), int)
        >>> truth[0, 0] = predicted[2:] = 1
        >>> region_counts(truth, predicted, 255)[:, :2].tolist()
        [[1, 1], [1, 19], [0, 9]]
    """
    numbers = connected_regions(truth, ignore_label).ravel()
    areas = np.bincount(numbers)[1:]
    right = np.bincount(numbers[(truth == predicted).ravel()], minlength=len(areas) + 1)[1:]
    places = np.searchsorted(AREAS, areas, side="right") - 1
    counts = np.zeros((3, len(AREAS)), np.int64)
    for row, values in zip(counts, (np.ones_like(areas), areas, right), strict=True):
        np.add.at(row, places, values)
    return counts
