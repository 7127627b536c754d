"""Pictures as the image model sees them: upright, opaque, and cut to one size."""

import struct
import zlib
from collections.abc import Mapping
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from embeddings.errors import Rejected
from embeddings.media.fetch import Media

SIDE = 224

# The shorter side before the centre is cut out, as the model was validated.
_SHORTER_SIDE = 256
_MEAN, _DEVIATION = 127.0, 128.0
# What a picture may be by its own account, which costs nothing to read, however small the file:
# each row has a cost of its own, and a progressive JPEG is held whole while it is decoded …
_MAX_SIDE = 20_000
_MAX_PIXELS = 50_000_000
# … and what is then decoded, JPEGs at a fraction, within 300 MB: eight bytes a pixel, and sixteen
# of WebP, whose decoder keeps two canvases.
_MAX_DECODED, _MAX_DECODED_WEBP = 25_000_000, 15_000_000
_READERS: Mapping[str, str] = {
    "jpg": "JPEG",
    "png": "PNG",
    "gif": "GIF",
    "bmp": "BMP",
    "webp": "WEBP",
}
# What Pillow's decoders raise on damaged files.
_DAMAGED = (OSError, SyntaxError, ValueError, IndexError, EOFError, struct.error, zlib.error)


def decode(media: Media) -> Image.Image:
    """The picture, or the first one of an animation, upright and in RGB, on white.

    Large JPEGs are decoded at a fraction of their size, other large pictures made smaller.

    Raises:
        Rejected: it is damaged, too long or high, or has too many pixels. The message goes on where
            `media.named` begins it.
    """
    try:
        with Image.open(BytesIO(media.content), formats=[_READERS[media.format]]) as picture:
            _check_size(picture, _MAX_PIXELS)
            picture.draft("RGB", (_SHORTER_SIDE, _SHORTER_SIDE))
            is_webp = media.format == "webp"
            _check_size(picture, _MAX_DECODED_WEBP if is_webp else _MAX_DECODED)
            # In place: a copy of a large picture costs as much as the picture.
            ImageOps.exif_transpose(picture, in_place=True)
            return _opaque(picture)
    except (Image.DecompressionBombError, MemoryError) as exc:
        raise Rejected(f"it is too large ({exc}); give a smaller one.") from exc
    except _DAMAGED as exc:
        raise Rejected(f"it is damaged ({exc}); store it again.") from exc


def _check_size(picture: Image.Image, most: int) -> None:
    if picture.width * picture.height > most or max(picture.size) > _MAX_SIDE:
        raise Rejected(
            f"it has {picture.width} × {picture.height} pixels; give one of {most // 1_000_000} "
            f"million at most, and of {_MAX_SIDE:,} a side."
        )


def _opaque(picture: Image.Image) -> Image.Image:
    if picture.has_transparency_data:
        coloured = _shrunk(_in_mode(picture, "RGBA"))
        white = Image.new("RGBA", coloured.size, "white")
        return Image.alpha_composite(white, coloured).convert("RGB")
    if picture.mode == "I;16":
        # Converting would clip them to 8 bits.
        return _shrunk(picture.point(lambda level: level / 257).convert("L")).convert("RGB")
    return _shrunk(_in_mode(picture, "RGB"))


def _in_mode(picture: Image.Image, mode: str) -> Image.Image:
    return picture if picture.mode == mode else picture.convert(mode)


def _shrunk(picture: Image.Image) -> Image.Image:
    """The picture at two to four times what is seen of it, where it is larger; a copy, always."""
    factor = min(picture.size) // (2 * _SHORTER_SIDE)
    return picture.reduce(factor) if factor > 1 else picture.copy()


def pixels(picture: Image.Image) -> NDArray[np.float32]:
    """The centre of an RGB picture as the model's input: shape (3, 224, 224), about −1 to 1.

    Tan and Le's evaluation: bicubic to a shorter side of 256, the centre cut out, and the
    normalisation of EfficientNet-Lite, which is not the usual one of ImageNet.
    """
    seen = min(picture.size) * SIDE / _SHORTER_SIDE
    left, top = ((side - seen) / 2 for side in picture.size)
    centre = picture.resize(
        (SIDE, SIDE), Image.Resampling.BICUBIC, box=(left, top, left + seen, top + seen)
    )
    values = (np.asarray(centre, np.float32) - _MEAN) / _DEVIATION
    return np.ascontiguousarray(values.transpose(2, 0, 1))
