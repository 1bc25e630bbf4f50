"""Images that are valid and that nobody trains on."""

import numpy as np


def hostile_images() -> dict[str, np.ndarray]:
    """Returns images by what is unusual about them, uint8 `(H, W, 3)`.

    Example:
        >>> hostile_images()["one pixel"].shape
        (1, 1, 3)
    """
    random = np.random.default_rng(0)

    def noise(height: int, width: int) -> np.ndarray:
        return random.integers(0, 256, (height, width, 3), np.uint8)

    def plain(height: int, width: int, value: int) -> np.ndarray:
        return np.full((height, width, 3), value, np.uint8)

    checks = np.indices((96, 64)).sum(axis=0) % 2 * 255
    return {
        "one pixel": noise(1, 1),
        "two by three": noise(2, 3),
        "just below a stride": noise(31, 33),
        "odd": noise(67, 45),
        "one row": noise(1, 300),
        "narrow": noise(400, 3),
        "black": plain(64, 80, 0),
        "white": plain(80, 64, 255),
        "noise": noise(96, 72),
        "checks": np.repeat(checks[..., None], 3, axis=-1).astype(np.uint8),
    }
