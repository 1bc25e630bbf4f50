"""Writers of files that Pillow does not write, and bytes of those that it does."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
_ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2))


def picture(height, width, seed=0, block=5):
    """Blocks of random colours, with edges of every kind."""
    rows, columns = -(-height // block), -(-width // block)
    coarse = np.random.default_rng(seed).integers(0, 256, (rows, columns, 3), np.uint8)
    return coarse.repeat(block, 0).repeat(block, 1)[:height, :width]


def saved(image, image_format, **options):
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    stream = io.BytesIO()
    image.save(stream, image_format, **options)
    return stream.getvalue()


def opened(contents):
    """The pixels that Pillow sees."""
    with Image.open(io.BytesIO(contents)) as image:
        return np.asarray(image.convert("RGB"))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_head(height, width, depth=8, colour=RGB, compression=0, filters=0, interlace=0):
    sides = struct.pack(">II", width, height)
    kinds = bytes([depth, colour, compression, filters, interlace])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", sides + kinds)


def png(values, colour, depth=8, interlaced=False, before=b""):
    """A PNG of `(H, W, C)` values, of any depth, without filters; `before` are further chunks."""
    passes = _interlaced(values) if interlaced else [values]
    rows = b"".join(b"\0" + _packed(row, depth) for part in passes if part.size for row in part)
    head = png_head(*values.shape[:2], depth, colour, interlace=int(interlaced))
    return head + before + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _interlaced(values):
    # Adam7, ISO/IEC 15948, 8.2.
    parts = [values[row::down, column::right] for row, column, down, right in _ADAM7]
    return [*parts, values[1::2]]


def _packed(row, depth):
    if depth == 16:
        return row.astype(">u2").tobytes()
    bits = np.unpackbits(row.astype(np.uint8).reshape(-1, 1), axis=1)[:, 8 - depth :]
    return np.packbits(bits.ravel()).tobytes()


def bmp(ids, palette, bits, downwards=False, told=0, compression=0, head=40):
    """A bitmap of indices of a palette."""
    height, width = ids.shape
    rows = [_packed(row, bits) for row in (ids if downwards else ids[::-1])]
    rows = b"".join(row + bytes(-len(row) % 4) for row in rows)
    colours = b"".join(bytes([blue, green, red, 0]) for red, green, blue in palette)
    start = 14 + head + len(colours)
    sides = struct.pack("<ii", width, -height if downwards else height)
    middle = struct.pack("<HHIIiiII", 1, bits, compression, len(rows), 2835, 2835, told, 0)
    info = struct.pack("<I", head) + sides + middle + bytes(head - 40)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + info + colours + rows


def riff(*chunks):
    """A WebP of chunks, each a name and its bytes."""
    body = b"WEBP" + b"".join(
        name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for name, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def canvas(height, width, flags=0):
    """The data of a WebP's VP8X chunk."""
    sides = [struct.pack("<I", side - 1)[:3] for side in (width, height)]
    return bytes([flags, 0, 0, 0]) + b"".join(sides)


def webp_frame(image, left, top, **options):
    """The data of an ANMF chunk: an image at a place of the canvas."""
    numbers = (left // 2, top // 2, image.shape[1] - 1, image.shape[0] - 1, 100)
    head = b"".join(struct.pack("<I", number)[:3] for number in numbers)
    chunks = saved(image, "WEBP", **options)[12:]
    # A frame holds no VP8X of its own.
    return head + b"\0" + (chunks[18:] if chunks.startswith(b"VP8X") else chunks)


def exif(orientation, order="<"):
    """Exif data with an orientation alone, in either order of bytes."""
    head = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(f"{order}IHHHIHH", 8, 1, 0x0112, 3, 1, orientation, 0)
    return b"Exif\0\0" + head + entry + bytes(4)
