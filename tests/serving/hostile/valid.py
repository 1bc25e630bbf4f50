"""Unusual pictures that are whole: each gets the mask of its pixels."""

import io

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps

from tests.serving.hostile import files
from tests.serving.hostile.case import Case

COLOUR = files.picture(45, 70)
GREY = COLOUR[..., :1]
ALPHA = files.picture(45, 70, seed=1)[..., :1]
IDS = np.arange(45 * 70).reshape(45, 70) // 3 % 16
PALETTE = files.picture(16, 1, seed=2, block=1)[:, 0]
SIZES = [(1, 1), (1, 7), (7, 1), (31, 33), (2, 3), (64, 1)]
# TensorFlow decodes JPEG by the fast transform, as in training; Pillow by the exact one.
ROUNDED, BLENDED = 2, 16


def valid_cases():
    """All of them, in the same order each time."""
    return [*_pngs(), *_jpegs(), *_turned(), *_gifs(), *_bitmaps(), *_webps(), *_sizes(), *_long()]


def _pngs():
    def png(name, values, pixels, *arguments, **options):
        return Case(f"png {name}", files.png(values, *arguments, **options), np.asarray(pixels))

    grey = GREY.repeat(3, -1)
    low = {bits: GREY >> (8 - bits) for bits in (1, 2, 4)}
    wide = COLOUR.astype(np.uint16) * 256 + COLOUR[::-1]
    wide_grey, wide_alpha = wide[..., :1], ALPHA.astype(np.uint16) * 257
    both, four = np.concatenate([GREY, ALPHA], -1), np.concatenate([COLOUR, ALPHA], -1)
    for interlaced in (False, True):
        how = {"interlaced": interlaced}
        is_how = "interlaced" if interlaced else "plain"
        yield png(f"{is_how} grey", GREY, grey, files.GREY, **how)
        yield png(f"{is_how} RGB", COLOUR, COLOUR, files.RGB, **how)
        yield png(f"{is_how} grey and alpha", both, grey, files.GREY_ALPHA, **how)
        yield png(f"{is_how} RGBA", four, COLOUR, files.RGBA, **how)
        yield png(f"{is_how} grey of 16 bits", wide_grey, grey, files.GREY, 16, **how)
        yield png(f"{is_how} RGB of 16 bits", wide, COLOUR, files.RGB, 16, **how)
        four_wide = np.concatenate([wide, wide_alpha], -1)
        yield png(f"{is_how} RGBA of 16 bits", four_wide, COLOUR, files.RGBA, 16, **how)
        two_wide = np.concatenate([wide_grey, wide_alpha], -1)
        yield png(f"{is_how} grey and alpha, 16 bits", two_wide, grey, files.GREY_ALPHA, 16, **how)
        for bits, values in low.items():
            shown = (values * (255 // (2**bits - 1))).repeat(3, -1)
            yield png(f"{is_how} grey of {bits} bits", values, shown, files.GREY, bits, **how)
        for bits in (1, 2, 4, 8):
            ids = IDS[..., None] % 2**bits
            table = files.chunk(b"PLTE", PALETTE[: 2**bits].tobytes())
            name = f"{is_how} palette of {bits} bits"
            shown = PALETTE[ids[..., 0]]
            yield png(name, ids, shown, files.PALETTE, bits, before=table, **how)
            table += files.chunk(b"tRNS", bytes(range(2**bits))[:16])
            clear = f"{name}, transparent"
            yield png(clear, ids, shown, files.PALETTE, bits, before=table, **how)
    keys = {files.GREY: bytes([0, GREY[0, 0, 0]]), files.RGB: bytes([0, 1, 0, 2, 0, 3])}
    for kind, values in ((files.GREY, GREY), (files.RGB, COLOUR)):
        shown, key = np.broadcast_to(values, COLOUR.shape), files.chunk(b"tRNS", keys[kind])
        yield png(f"one colour is transparent, {kind}", values, shown, kind, before=key)
    ancillary = b"".join(files.chunk(b"tEXt", b"Comment\0" + b"x" * 900) for _ in range(40))
    yield png("many comments", COLOUR, COLOUR, files.RGB, before=ancillary)


def _jpegs():
    def jpeg(name, image, **options):
        contents = files.saved(image, "JPEG", **options)
        return Case(f"jpeg {name}", contents, files.opened(contents), BLENDED)

    picture = Image.fromarray(COLOUR)
    yield jpeg("grey", Image.fromarray(GREY[..., 0]), quality=90)
    yield jpeg("CMYK", picture.convert("CMYK"), quality=90)
    yield jpeg("RGB itself", picture, quality=90, keep_rgb=True)
    for subsampling in (0, 1, 2):
        for progressive in (False, True):
            name = f"subsampling {subsampling}{', progressive' * progressive}"
            options = {"subsampling": subsampling, "progressive": progressive}
            yield jpeg(name, picture, quality=90, **options)
    yield jpeg("quality 1", picture, quality=1)
    yield jpeg("quality 100", picture, quality=100)
    yield jpeg("restart markers", picture, restart_marker_blocks=1)
    yield jpeg("progressive, grey", picture.convert("L"), progressive=True)
    yield jpeg("comment and profile", picture, comment=b"c" * 9000, icc_profile=b"p" * 99)
    many = {"save_all": True, "append_images": [picture.rotate(180)]}
    contents = files.saved(picture, "MPO", quality=90, **many)
    yield Case("jpeg of two pictures", contents, files.opened(contents), BLENDED)
    whole = files.saved(COLOUR, "JPEG", quality=90)
    yield Case("jpeg, then a film", whole + bytes(range(256)) * 40, files.opened(whole), BLENDED)
    # All its pixels are there.
    yield Case("jpeg with no end", whole[:-2], files.opened(whole), BLENDED, either=True)


def _turned():
    for orientation in range(1, 9):
        for order in "<>":
            options = {"quality": 95, "subsampling": 0}
            file = files.saved(COLOUR, "JPEG", exif=files.exif(orientation, order), **options)
            with Image.open(io.BytesIO(file)) as image:
                pixels = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
            yield Case(f"turned {orientation} {order}", file, pixels, BLENDED)
    for wrong in (0, 9, 60000):
        file = files.saved(COLOUR, "JPEG", exif=files.exif(wrong), subsampling=0)
        yield Case(f"turned {wrong}, which is none", file, files.opened(file), BLENDED)


def _gifs():
    first = Image.fromarray(IDS.astype(np.uint8), "P")
    first.putpalette(PALETTE.tobytes())
    shown, others = PALETTE[IDS], [first.rotate(180), first.rotate(90)]

    def gif(name, pixels=shown, **options):
        return Case(f"gif {name}", files.saved(first, "GIF", **options), pixels)

    yield gif("plain", interlace=0)
    yield gif("interlaced", interlace=1)
    yield gif("animated", save_all=True, append_images=others)
    yield gif("animated in a loop", save_all=True, append_images=others * 20, loop=0, duration=20)
    clear = np.where((IDS == 3)[..., None], 0, shown)
    yield gif("transparent, which is black", clear, transparency=3, optimize=False)
    yield gif("of a long comment", comment=b"c" * 40_000)
    one = files.saved(Image.new("1", (33, 20), 1), "GIF")
    yield Case("gif of two colours", one, np.full((20, 33, 3), 255, np.uint8))
    whole = files.saved(first, "GIF")
    yield Case("gif with no end", whole[:-1], shown)
    older = b"GIF87a" + whole[6:]
    yield Case("gif of 1987", older, shown)
    huge = files.saved(Image.new("P", (9000, 9000)), "GIF")
    # Its later frames have 81 million pixels each, which nobody asked for.
    frame = huge[huge.index(b"\x2c", 13 + 3 * 2 ** ((huge[10] & 7) + 1)) : -1]
    yield Case("gif of huge later frames", whole[:-1] + frame * 50 + b";", shown)


def _bitmaps():
    for bits in (1, 4, 8):
        ids = IDS % 2**bits
        palette = PALETTE[: 2**bits]
        for downwards in (False, True):
            name = f"bmp of {bits} bits{', from the top' * downwards}"
            yield Case(name, files.bmp(ids, palette, bits, downwards), palette[ids])
        told = files.bmp(ids, palette, bits, told=len(palette), head=124)
        yield Case(f"bmp of {bits} bits, palette of {len(palette)}", told, palette[ids])
    four = np.concatenate([COLOUR, ALPHA], -1)
    for name, image in {"RGB": COLOUR, "RGBA": four, "grey": GREY[..., 0]}.items():
        shown = np.broadcast_to(image[..., None] if name == "grey" else COLOUR, COLOUR.shape)
        yield Case(f"bmp {name}", files.saved(image, "BMP"), shown)
    for mode in ("1", "P"):
        file = files.saved(Image.fromarray(COLOUR).convert(mode), "BMP")
        yield Case(f"bmp of Pillow's mode {mode}", file, files.opened(file))


def _webps():
    four = np.concatenate([COLOUR, ALPHA], -1)
    smooth = np.asarray(Image.fromarray(COLOUR[:9, :14]).resize((70, 45)))
    with_alpha = np.concatenate([smooth, ALPHA // 2 + 100], -1)
    kinds = {"lossless": {"lossless": True, "exact": True}, "lossy": {"quality": 90}}
    for name, options in kinds.items():
        for image in (COLOUR, four if name == "lossless" else with_alpha):
            file = files.saved(image, "WEBP", **options)
            yield Case(
                f"webp {name}, {image.shape[-1]} channels", file, files.opened(file), ROUNDED
            )
        file = files.saved(COLOUR, "WEBP", icc_profile=b"p" * 99, **options)
        yield Case(f"webp {name} with a profile", file, files.opened(file), ROUNDED)
        others = [Image.fromarray(np.ascontiguousarray(COLOUR[::-1]))] * 3
        file = files.saved(COLOUR, "WEBP", save_all=True, append_images=others, **options)
        yield Case(f"webp {name}, animated", file, files.opened(file), ROUNDED)
    for name, options in kinds.items():
        whole = np.zeros((60, 90, 3), np.uint8)
        whole[6 : 6 + 45, 10 : 10 + 70] = files.opened(files.saved(COLOUR, "WEBP", **options))
        frames = [(b"ANMF", files.webp_frame(COLOUR, 10, 6, **options))] * 2
        background = (b"ANIM", bytes(6))
        file = files.riff((b"VP8X", files.canvas(60, 90, 2)), background, *frames)
        yield Case(f"webp {name}, a frame within its canvas", file, whole, ROUNDED)
    clear = files.webp_frame(with_alpha, 0, 0, quality=90)
    pixels = files.opened(files.saved(with_alpha, "WEBP", quality=90))
    parts = (b"VP8X", files.canvas(45, 70, 0x12)), (b"ANIM", bytes(6)), (b"ANMF", clear)
    yield Case("webp lossy, animated, transparent", files.riff(*parts), pixels, ROUNDED)


def _sizes():
    kinds = {"PNG": {}, "BMP": {}, "GIF": {}, "WEBP": {"lossless": True}, "JPEG": {}}
    for kind, options in kinds.items():
        for height, width in SIZES:
            file = files.saved(files.picture(height, width, seed=3), kind, **options)
            tolerance = BLENDED if kind == "JPEG" else 0
            yield Case(f"{kind} of {height}x{width}", file, files.opened(file), tolerance)


def _long():
    for kind in ("PNG", "JPEG", "GIF", "BMP", "WEBP"):
        long = 16383 if kind == "WEBP" else 20_000
        for size in ((1, long), (long, 1)):
            options = {"subsampling": 0} if kind == "JPEG" else {}
            options = {"lossless": True} if kind == "WEBP" else options
            file = files.saved(files.picture(*size, seed=4, block=16), kind, **options)
            yield Case(f"{kind} of {size[0]}x{size[1]}", file, files.opened(file), BLENDED)
    wide = files.picture(40, 52, seed=5).astype(np.uint16) * 257
    encoded = tf.io.encode_png(wide).numpy()
    yield Case("TensorFlow's own PNG of 16 bits", encoded, (wide >> 8).astype(np.uint8))
