"""What is no whole picture, or too large a one: each gets the reason."""

import struct
import zlib

import numpy as np
from PIL import Image

from tests.serving.hostile import files
from tests.serving.hostile.case import Case

NOISE = np.random.default_rng(6).integers(0, 256, (54, 48, 3), np.uint8)
SMALL = files.picture(40, 52, seed=7)
CUT, LARGE, UNREADABLE = 1024, "this model takes at most", "cannot be decoded"
MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM", b"RIFF\xff\0\0\0WEBP", b"")
OTHERS = {
    "nothing": b"",
    "a zero": b"\0",
    "zeros": bytes(5000),
    "ones": b"\xff" * 5000,
    "text": b"this is not a picture\n" * 100,
    "HTML": b"<!DOCTYPE html><title>404</title>",
    "SVG": b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' width='9'/>",
    "PDF": b"%PDF-1.7\n1 0 obj\n",
    "ZIP": b"PK\x03\x04" + bytes(60),
    "AVIF": b"\0\0\0\x20ftypavif" + bytes(200),
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(200),
    "JPEG XL": b"\xff\x0a" + bytes(200),
    "icon": b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x20\0" + bytes(60),
    "Photoshop": b"8BPS\0\x01" + bytes(200),
    "pixel map": b"P6\n2 2\n255\n" + bytes(12),
    "base64 of a picture": b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ",
    "JSON": b'{"image_bytes": {"b64": "AAAA"}}',
    "sound": b"RIFF\x24\0\0\0WAVEfmt " + bytes(60),
    "script": b"#!/bin/sh\nexit 1\n",
    "UTF-16": "picture".encode("utf-16"),
}


def invalid_cases():
    """All of them, in the same order each time."""
    kinds = (_others, _magic, _truncated, _headers, _bombs, _zero_sizes, _random, _flipped)
    return [case for cases in kinds for case in cases()]


def whole_files():
    """One file of each way to be stored, 6 to 9 KB of noise."""
    return {
        "png": files.saved(NOISE, "PNG"),
        "jpeg": files.saved(NOISE, "JPEG", quality=97, subsampling=0),
        "progressive jpeg": files.saved(NOISE, "JPEG", quality=97, subsampling=0, progressive=True),
        "gif": files.saved(Image.fromarray(NOISE.reshape(108, 72)), "GIF"),
        "bmp": files.saved(NOISE, "BMP"),
        "bmp of a palette": files.saved(Image.fromarray(NOISE.reshape(108, 72)), "BMP"),
        "webp": files.saved(NOISE, "WEBP", quality=100),
        "lossless webp": files.saved(NOISE, "WEBP", lossless=True),
        "animated webp": files.saved(
            NOISE, "WEBP", lossless=True, save_all=True, append_images=[Image.fromarray(~NOISE)]
        ),
    }


def _others():
    for name, contents in OTHERS.items():
        yield Case(name, contents, reason=UNREADABLE)
    for order in "<>":
        options = {"big_tiff": True} if order == ">" else {}
        yield Case(f"TIFF {order}", files.saved(SMALL, "TIFF", **options), reason=UNREADABLE)


def _magic():
    for place, begin in enumerate(MAGIC[:-1]):
        for tail in (b"", b"\0", bytes(100), b"\xff" * 100, b"text " * 200):
            yield Case(f"begins as format {place}, then {tail[:5]!r}", begin + tail)
    for name, contents in whole_files().items():
        for begin in MAGIC[:-1]:
            if not contents.startswith(begin[:4]):
                yield Case(f"{name} that begins with {begin[:4]!r}", begin + contents)


def _truncated():
    for name, contents in whole_files().items():
        for length in range(CUT, len(contents), CUT):
            # A decoder may show what is there; the first frame of an animation may be whole.
            either = name == "gif" or (name == "animated webp" and 2 * length > len(contents))
            yield Case(f"{name} cut at {length}", contents[:length], either=either)
        yield Case(f"{name} cut in its header", contents[:20], reason=UNREADABLE)
        yield Case(f"{name} without its beginning", contents[1:], reason=UNREADABLE)


def _headers():
    data = files.chunk(b"IDAT", zlib.compress(bytes(9999))) + files.chunk(b"IEND", b"")
    kinds = {
        "colour 1": {"colour": 1},
        "colour 7": {"colour": 7},
        "depth 3": {"depth": 3},
        "RGB of 4 bits": {"depth": 4},
        "compression 1": {"compression": 1},
        "filters 9": {"filters": 9},
        "interlace 2": {"interlace": 2},
    }
    for name, options in kinds.items():
        yield Case(f"png of {name}", files.png_head(9, 9, **options) + data)
    yield Case("png of a palette without one", files.png_head(9, 9, colour=3) + data)
    whole = files.saved(SMALL, "PNG")
    yield Case("png with a wrong check sum", whole[:29] + b"\0\0\0\0" + whole[33:])
    yield Case("png with pixels that are not compressed", files.png_head(9, 9) + data[:8] + data)
    yield Case("png of no pixels", files.png_head(9, 9) + files.chunk(b"IEND", b""))
    yield Case("png of too few pixels", files.png_head(999, 999) + data)
    jpeg = files.saved(SMALL, "JPEG")
    frame = jpeg.index(b"\xff\xc0")
    for name, marker in {"lossless": 0xC3, "arithmetic": 0xC9, "differential": 0xC5}.items():
        wrong = jpeg[: frame + 1] + bytes([marker]) + jpeg[frame + 2 :]
        yield Case(f"jpeg that says {name}", wrong, either=name == "arithmetic")
    for name, place, value in (("12 bits", 4, 12), ("9 channels", 9, 9), ("no channel", 9, 0)):
        wrong = jpeg[: frame + place] + bytes([value]) + jpeg[frame + place + 1 :]
        yield Case(f"jpeg of {name}", wrong, either=name == "9 channels")
    for name, marker in {"no tables": b"\xff\xdb", "no frame": b"\xff\xc0"}.items():
        place = jpeg.index(marker)
        end = place + 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
        yield Case(f"jpeg of {name}", jpeg[:place] + jpeg[end:], either=name == "no tables")
    ids, palette = SMALL[..., 0] % 16, files.picture(16, 1, block=1)[:, 0]
    for compression in (1, 2, 4, 5, 6, 99):
        contents = files.bmp(ids, palette, 8, compression=compression)
        yield Case(f"bmp of compression {compression}", contents, reason=UNREADABLE)
    plain = files.saved(SMALL, "BMP")
    for bits in (0, 2, 3, 16, 64, 65535):
        yield Case(f"bmp of {bits} bits", plain[:28] + struct.pack("<H", bits) + plain[30:])
    for head in (0, 12, 39, 2**31, 2**32 - 1):
        contents = plain[:14] + struct.pack("<I", head) + plain[18:]
        yield Case(f"bmp with a head of {head}", contents, either=head > 100)
    for start in (2**31, 2**32 - 1, len(plain)):
        yield Case(
            f"bmp that begins at {start}", plain[:10] + struct.pack("<I", start) + plain[14:]
        )
        of_palette = files.bmp(ids, palette, 8)
        contents = of_palette[:10] + struct.pack("<I", start) + of_palette[14:]
        yield Case(f"bmp of a palette that begins at {start}", contents)
    frame = files.webp_frame(SMALL, 0, 0, lossless=True)
    animated = (b"VP8X", files.canvas(40, 52, 2)), (b"ANIM", bytes(6))
    yield Case("webp animated without a frame", files.riff(*animated))
    yield Case("webp animated, an empty frame", files.riff(*animated, (b"ANMF", b"")))
    yield Case("webp animated, a frame of text", files.riff(*animated, (b"ANMF", b"text" * 40)))
    beyond = files.webp_frame(SMALL, 400, 400, lossless=True)
    yield Case("webp frame beyond its canvas", files.riff(*animated, (b"ANMF", beyond)))
    larger = (b"VP8X", files.canvas(20, 26, 2)), (b"ANIM", bytes(6)), (b"ANMF", frame)
    yield Case("webp frame larger than its canvas", files.riff(*larger))
    within = (b"ANMF", frame[:16] + files.riff(*animated, (b"ANMF", frame))[12:])
    yield Case("webp animation within an animation", files.riff(*animated, within))
    still = files.saved(SMALL, "WEBP", lossless=True)[20:]
    other = (b"VP8X", files.canvas(4000, 4000)), (b"VP8L", still)
    yield Case("webp canvas of another size", files.riff(*other))


def _bombs():
    most = 2**31 - 1
    for height, width in ((60_000, 60_000), (most, most), (1, most), (most, 1), (5000, 5000)):
        yield Case(f"png of {height}x{width}", files.png_head(height, width), reason=LARGE)
    rows = zlib.compress(bytes(5000 * 626), 9)
    whole = files.png_head(5000, 5000, depth=1, colour=files.GREY) + files.chunk(b"IDAT", rows)
    yield Case("png of 5000x5000, all there", whole + files.chunk(b"IEND", b""), reason=LARGE)
    hidden = files.chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**8), 9))
    small = files.saved(SMALL, "PNG")
    yield Case("png of a comment of 100 MB", small[:33] + hidden * 3 + small[33:], SMALL)
    profile = files.chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(10**8), 9))
    yield Case("png of a profile of 100 MB", small[:33] + profile + small[33:], SMALL)
    gif = files.saved(Image.new("P", (9, 9)), "GIF")
    sides = struct.pack("<HH", 65535, 65535)
    yield Case("gif of a screen of 65535", gif[:6] + sides + gif[10:], reason=LARGE)
    frame = gif.index(b"\x2c", 13)
    yield Case("gif of a frame of 65535", gif[: frame + 5] + sides + gif[frame + 9 :], reason=LARGE)
    blocks = b"\x21\xfe\x01x\0" * 200_000
    yield Case("gif of endless comments", gif[:frame] + blocks + gif[frame:], reason=UNREADABLE)
    tiny = gif[: frame + 11] + b"\x01\0" * 200_000 + b"\0;"
    yield Case("gif of endless blocks", tiny, reason=UNREADABLE)
    jpeg = files.saved(SMALL, "JPEG", progressive=True)
    place = jpeg.index(b"\xff\xc2") + 5
    for height, width in ((65_500, 65_500), (65_500, 300), (5000, 5000)):
        bomb = jpeg[:place] + struct.pack(">HH", height, width) + jpeg[place + 4 :]
        yield Case(f"jpeg of {height}x{width}", bomb, reason=LARGE)
    scan = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    yield Case("jpeg of 4000 scans", jpeg[:-2] + scan * 4000 + jpeg[-2:], reason="many scans")
    bmp = files.saved(SMALL, "BMP")
    for width, height in ((most, most), (most, -most), (-(2**31), -(2**31)), (5000, 5000)):
        bomb = bmp[:18] + struct.pack("<ii", width, height) + bmp[26:]
        yield Case(f"bmp of {height}x{width}", bomb, reason=LARGE)
    for flags in (0, 2):
        bomb = files.riff((b"VP8X", files.canvas(2**24, 2**24, flags)), (b"ANIM", bytes(6)))
        yield Case(f"webp of a canvas of 2^24, flags {flags}", bomb, reason=LARGE)
    lossless = files.riff((b"VP8L", b"\x2f" + struct.pack("<I", 2**28 - 1) + bytes(20)))
    yield Case("lossless webp of 16384", lossless, reason=LARGE)
    lossy = b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", 16383, 16383)
    yield Case("webp of 16383", files.riff((b"VP8 ", lossy + bytes(20))), reason=LARGE)


def _zero_sizes():
    for height, width in ((0, 0), (0, 9), (9, 0)):
        name = f"of {height}x{width}"
        end = files.chunk(b"IDAT", zlib.compress(b"")) + files.chunk(b"IEND", b"")
        yield Case(f"png {name}", files.png_head(height, width) + end)
        jpeg = files.saved(SMALL, "JPEG")
        place = jpeg.index(b"\xff\xc0") + 5
        sides = struct.pack(">HH", height, width)
        yield Case(f"jpeg {name}", jpeg[:place] + sides + jpeg[place + 4 :])
        for mode in ("RGB", "P"):
            bmp, sides = (
                files.saved(Image.new(mode, (9, 9)), "BMP"),
                struct.pack("<ii", width, height),
            )
            yield Case(f"bmp {name}, {mode}", bmp[:18] + sides + bmp[26:])
        lossy = b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height)
        yield Case(f"webp {name}", files.riff((b"VP8 ", lossy + bytes(20))))
        gif = files.saved(Image.new("P", (9, 9)), "GIF")
        frame = gif.index(b"\x2c", 13)
        sides = struct.pack("<HH", width, height)
        yield Case(f"gif with a frame {name}", gif[: frame + 5] + sides + gif[frame + 9 :])


def _random():
    draw = np.random.default_rng(8)
    for number in range(60):
        begin = MAGIC[number % len(MAGIC)]
        length = int(draw.integers(1, 6000))
        yield Case(f"random bytes {number}", begin + draw.bytes(length), either=True)


def _flipped():
    draw = np.random.default_rng(9)
    for name, contents in whole_files().items():
        for number in range(10):
            bits = np.frombuffer(contents, np.uint8).copy()
            for place in draw.integers(0, 8 * 100, 1 + number % 3):
                bits[place // 8] ^= 1 << (place % 8)
            yield Case(f"{name} with flipped bits, {number}", bits.tobytes(), either=True)
