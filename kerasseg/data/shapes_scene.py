"""One scene of the generated data set: a photo-like picture and its label map.

The class of an object is its outline and nothing else: all objects, wires and backgrounds draw
their colours and textures from the same distributions, so that neither a colour nor a small
patch tells what something is.
"""

from typing import NamedTuple

import numpy as np

CLASS_NAMES = ("background", "disc", "square", "triangle", "star", "ring", "cross", "wire")
WIRE = CLASS_NAMES.index("wire")
VOID = 255
# Few sizes, so that an evaluation makes full batches; odd ones, since real images have them.
SIZES = ((192, 192), (176, 224), (225, 175), (160, 240), (240, 160), (201, 201))

_OVERSAMPLING = 4
_TRIES = 30
_CONTRAST = 110  # The distance of a mean colour (RGB) from that of what is beneath.
_SHADOW_REACH = 12


class Canvas(NamedTuple):
    """A scene while it is painted: picture, float32 `(H, W, 3)` 0..255, and labels `(H, W)`."""

    picture: np.ndarray
    label: np.ndarray


class Stencil(NamedTuple):
    """What part of each pixel something covers: a window of the scene, 0..1 within, 0 outside."""

    window: tuple[slice, slice]
    mask: np.ndarray


def draw_scene(generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Returns a picture, uint8 `(H, W, 3)`, and its label map, uint8 `(H, W)`, void 255.

    Args:
        generator: Every draw comes from it: the same state gives the same scene.
    """
    size = SIZES[generator.integers(len(SIZES))]
    canvas = Canvas(_background(generator, size), np.zeros(size, np.uint8))
    shadow = generator.uniform(0.25, 0.5) if generator.random() < 0.6 else 0.0
    for _ in range(generator.integers(2, 6)):
        _put_object(generator, canvas, shadow)
    _void_between_objects(canvas.label)
    for _ in range(generator.integers(1, 3)):
        _put_wire(generator, canvas, shadow)
    _void_beside_wires(canvas.label)
    return _photographed(generator, canvas.picture), canvas.label


def _background(generator: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Returns a textured surface, or two that a straight edge parts."""
    picture = _texture(generator, size, _colour(generator))
    if generator.random() < 0.5:
        side = _across(size, generator.uniform(0, 2 * np.pi)) - generator.uniform(-60, 60)
        part = np.clip(side + 0.5, 0, 1)[..., np.newaxis]
        picture += part * (_texture(generator, size, _colour(generator)) - picture)
    return picture


def _put_object(generator: np.random.Generator, canvas: Canvas, shadow: float) -> None:
    number = int(generator.integers(1, WIRE))
    height, width = canvas.label.shape
    for _ in range(_TRIES):
        radius = generator.uniform(28, 54)
        centre = generator.uniform(
            (0.5 * radius,) * 2, (width - 0.5 * radius, height - 0.5 * radius)
        )
        outline, hole = _outline(generator, CLASS_NAMES[number], radius)
        stencil = _stencil((height, width), outline + centre, hole + centre)
        if _hides_little(canvas.label, stencil):
            _paint(generator, canvas, stencil, number, shadow)
            return


def _put_wire(generator: np.random.Generator, canvas: Canvas, shadow: float) -> None:
    height, width = canvas.label.shape
    half = generator.uniform(2.4, 3.2)
    place = np.linspace(-0.1, 1.1, 40)[:, np.newaxis]
    start, end = generator.uniform(0, 1, (2, 2))
    axis = generator.integers(2)
    start[axis], end[axis] = 0, 1
    sag = generator.uniform(-0.25, 0.25, 2) * (4 * place * (1 - place))
    middle = (start + (end - start) * place + sag) * (width, height)
    along = np.gradient(middle, axis=0)
    across = along[:, ::-1] * (-1, 1) / np.linalg.norm(along, axis=1, keepdims=True)
    ribbon = np.concatenate([middle + half * across, (middle - half * across)[::-1]])
    _paint(generator, canvas, _stencil((height, width), ribbon, ribbon[:0]), WIRE, shadow / 2)


def _outline(
    generator: np.random.Generator, name: str, radius: float
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the corners of an outline round 0 and of its hole, `(N, 2)` each; N = 0: no hole."""
    outline = {
        "disc": _polygon(48),
        "square": 1.1 * _polygon(4),
        "triangle": 1.2 * _polygon(3),
        "star": _polygon(10) * np.tile([[1.2], [0.5]], (5, 1)),
        "ring": _polygon(48),
        "cross": _cross(generator.uniform(0.3, 0.36)),
    }[name]
    hole = _polygon(48) * generator.uniform(0.5, 0.62) if name == "ring" else np.zeros((0, 2))
    angle = generator.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    stretch = np.diag(generator.uniform(0.85, 1.15, 2))
    place = radius * turn @ stretch
    return outline @ place.T, hole @ place.T


def _polygon(corners: int) -> np.ndarray:
    angles = np.arange(corners) * 2 * np.pi / corners
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _cross(arm: float) -> np.ndarray:
    quarter = np.array([[1, -arm], [1, arm], [arm, arm]])
    turns = [np.linalg.matrix_power(np.array([[0, -1], [1, 0]]), n) for n in range(4)]
    return np.concatenate([quarter @ turn.T for turn in turns])


def _stencil(size: tuple[int, int], outline: np.ndarray, hole: np.ndarray) -> Stencil:
    """Returns what an outline covers and its hole does not, with room for a shadow round it."""
    from PIL import Image, ImageDraw

    low = np.clip(np.floor(outline.min(axis=0)) - _SHADOW_REACH, 0, size[::-1]).astype(int)
    high = np.clip(np.ceil(outline.max(axis=0)) + _SHADOW_REACH, 0, size[::-1]).astype(int)
    picture = Image.new("L", tuple(_OVERSAMPLING * (high - low)))
    draw = ImageDraw.Draw(picture)
    for corners, fill in ((outline, 255), (hole, 0)):
        if len(corners):
            draw.polygon((_OVERSAMPLING * (corners - low)).ravel().tolist(), fill)
    mask = np.asarray(picture.reduce(_OVERSAMPLING), np.float32) / 255
    return Stencil((slice(low[1], high[1]), slice(low[0], high[0])), mask)


def _hides_little(label: np.ndarray, stencil: Stencil) -> bool:
    """Returns whether enough is seen of the new object, and of those that it would cover."""
    covered = stencil.mask > 0.5
    if covered.sum() < 500:
        return False
    before = np.bincount(label.ravel(), minlength=WIRE)[1:WIRE]
    hidden = np.bincount(label[stencil.window][covered], minlength=WIRE)[1:WIRE]
    return bool(np.all(hidden <= 0.15 * before))


def _paint(
    generator: np.random.Generator, canvas: Canvas, stencil: Stencil, number: int, shadow: float
) -> None:
    picture, label = canvas.picture[stencil.window], canvas.label[stencil.window]
    inside = stencil.mask > 0.5
    if shadow:
        picture *= 1 - np.float32(shadow) * _soft(generator, stencil.mask)[..., np.newaxis]
    colour = _contrasting_colour(generator, picture[inside].mean(axis=0))
    texture = _texture(generator, label.shape, colour)
    picture += stencil.mask[..., np.newaxis] * (texture - picture)
    label[inside] = number


def _soft(generator: np.random.Generator, mask: np.ndarray) -> np.ndarray:
    """Returns a mask moved and blurred, as a shadow falls."""
    from PIL import Image, ImageFilter

    moved = np.roll(mask, generator.integers(-7, 8, 2), axis=(0, 1))
    blurred = Image.fromarray((moved * 255).astype(np.uint8)).filter(ImageFilter.BoxBlur(4))
    return np.asarray(blurred, np.float32) / 255


def _colour(generator: np.random.Generator) -> np.ndarray:
    return generator.uniform(30, 225, 3)


def _contrasting_colour(generator: np.random.Generator, other: np.ndarray) -> np.ndarray:
    draws = generator.uniform(30, 225, (_TRIES, 3))
    distances = np.linalg.norm(draws - other, axis=1)
    far = np.flatnonzero(distances >= _CONTRAST)
    return draws[far[0] if len(far) else distances.argmax()]


def _texture(
    generator: np.random.Generator, size: tuple[int, int], colour: np.ndarray
) -> np.ndarray:
    """Returns a surface, float32 `(H, W, 3)`: stripes, checks, clouds or grain about a colour."""
    kind = generator.integers(4)
    if kind < 2:
        angle, period = generator.uniform(0, 2 * np.pi), generator.uniform(5, 18)
        value = np.sin(_across(size, angle) * (2 * np.pi / period))
        if kind == 1:
            value = value * np.sin(_across(size, angle + np.pi / 2) * (2 * np.pi / period))
    else:
        cell = generator.uniform(10, 30) if kind == 2 else generator.uniform(2, 4)
        value = _clouds(generator, size, cell)
    other = generator.uniform(-40, 40, 3).astype(np.float32)
    return colour.astype(np.float32) + value[..., np.newaxis] * other


def _across(size: tuple[int, int], angle: float) -> np.ndarray:
    """Returns the distance of each pixel from a line through the middle, float32 `(H, W)`."""
    rows, columns = (np.arange(side, dtype=np.float32) - side / 2 for side in size)
    return rows[:, np.newaxis] * np.float32(np.sin(angle)) + columns * np.float32(np.cos(angle))


def _clouds(generator: np.random.Generator, size: tuple[int, int], cell: float) -> np.ndarray:
    """Returns smooth noise of about -1..1 whose blobs are `cell` pixels wide, float32 `(H, W)`."""
    from PIL import Image

    grid = [max(2, int(side / cell) + 1) for side in size]
    noise = Image.fromarray(generator.uniform(-1.3, 1.3, grid).astype(np.float32))
    return np.asarray(noise.resize(size[::-1], Image.Resampling.BICUBIC))


def _photographed(generator: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Returns the picture under uneven, coloured light and with a sensor's noise, uint8."""
    light = 1 + generator.uniform(0.1, 0.35) * _clouds(generator, picture.shape[:2], 90)
    cast = generator.uniform(0.8, 1.2) * generator.uniform(0.92, 1.08, 3)
    noise = generator.standard_normal(picture.shape, np.float32) * generator.uniform(2, 8)
    lit = picture * light[..., np.newaxis] * cast.astype(np.float32)
    return np.clip(lit + noise, 0, 255).astype(np.uint8)


def _void_between_objects(label: np.ndarray) -> None:
    """Writes void wherever another label lies within two pixels."""
    label[_extreme(label, 2, np.maximum) != _extreme(label, 2, np.minimum)] = VOID


def _void_beside_wires(label: np.ndarray) -> None:
    """Writes void next to a wire, which keeps its own pixels, being thin."""
    wire = label == WIRE
    label[_extreme(wire, 1, np.logical_or) & ~wire] = VOID


def _extreme(values: np.ndarray, reach: int, extreme: np.ufunc) -> np.ndarray:
    """Returns the extreme of `(H, W)` values over the square of pixels within reach of each."""
    for _ in range(reach):
        for axis in (0, 1):
            padded = np.pad(values, [(1, 1) if axis == side else (0, 0) for side in (0, 1)], "edge")
            parts = [np.take(padded, range(n, n + values.shape[axis]), axis) for n in range(3)]
            values = extreme(extreme(parts[0], parts[1]), parts[2])
    return values
