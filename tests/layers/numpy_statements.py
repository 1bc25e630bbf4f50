"""The arithmetic of the papers in plain NumPy, for the layers to be compared with."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def conv(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | float = 0.0) -> np.ndarray:
    """A convolution with stride 1 over zero padding, odd kernel `(k, k, in, out)`."""
    k = kernel.shape[0]
    return np.einsum("nhwcij,ijco->nhwo", _windows(x, k, fill=0.0), kernel) + bias


def max_pool(x: np.ndarray, k: int = 5) -> np.ndarray:
    """A max pooling with stride 1; what lies outside is less than anything."""
    return _windows(x, k, fill=-np.inf).max((-2, -1))


def _windows(x: np.ndarray, k: int, fill: float) -> np.ndarray:
    sides = ((0, 0), (k // 2, k // 2), (k // 2, k // 2), (0, 0))
    return sliding_window_view(np.pad(x, sides, constant_values=fill), (k, k), axis=(1, 2))


def resize(x: np.ndarray, size: tuple[int, int], align_corners: bool = False) -> np.ndarray:
    """Bilinear resizing, one axis after the other; positions outside read the nearest pixel."""
    for axis, n_out in zip((1, 2), size, strict=True):
        n_in = x.shape[axis]
        if align_corners:
            positions = np.linspace(0, n_in - 1, n_out)
        else:
            positions = (np.arange(n_out) + 0.5) * n_in / n_out - 0.5
        x = np.apply_along_axis(_read, axis, x, positions)
    return x


def _read(row: np.ndarray, positions: np.ndarray) -> np.ndarray:
    return np.interp(positions, np.arange(len(row)), row)


def normal(seed: int, *shape: int) -> np.ndarray:
    """Draws from the standard normal distribution, float32."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
