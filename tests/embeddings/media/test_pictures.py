import random
import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from embeddings.errors import Rejected
from embeddings.media.fetch import Media
from embeddings.media.pictures import decode, pixels


def stored(picture: Image.Image, writer: str = "PNG", **options: object) -> Media:
    buffer = BytesIO()
    picture.save(buffer, writer, **options)
    return Media(buffer.getvalue(), {"JPEG": "jpg"}.get(writer, writer.lower()))


def left_and_right() -> Image.Image:
    """Red on the left, blue on the right."""
    picture = Image.new("RGB", (64, 32), "red")
    picture.paste("blue", (32, 0, 64, 32))
    return picture


def test_a_photograph_stored_on_its_side_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned to the right
    upright = decode(stored(left_and_right(), "JPEG", exif=exif, quality=95))

    assert upright.size == (32, 64)
    np.testing.assert_allclose(upright.getpixel((16, 8)), (255, 0, 0), atol=20)
    np.testing.assert_allclose(upright.getpixel((16, 56)), (0, 0, 255), atol=20)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_is_white(mode: str) -> None:
    picture = Image.new("RGBA", (8, 8), (200, 0, 0, 0)).convert(mode)

    assert decode(stored(picture)).getpixel((4, 4)) == (255, 255, 255)


def test_a_palette_with_a_transparent_colour_is_on_white() -> None:
    picture = Image.new("P", (8, 8), 3)
    picture.putpalette([0, 0, 0] * 256)

    assert decode(stored(picture, "GIF", transparency=3)).getpixel((4, 4)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK", "YCbCr"])
def test_pictures_of_every_mode_become_rgb(mode: str) -> None:
    picture = left_and_right().convert(mode)
    decoded = decode(stored(picture, "JPEG" if mode in {"CMYK", "YCbCr"} else "PNG"))

    assert decoded.mode == "RGB"
    wanted = np.asarray(picture.convert("RGB"), float)
    np.testing.assert_allclose(np.asarray(decoded, float)[16, 4], wanted[16, 4], atol=12)


def test_sixteen_bits_of_grey_keep_their_shades() -> None:
    shades = np.linspace(0, 65_535, 256).astype(np.uint16).reshape(16, 16)
    decoded = np.asarray(decode(stored(Image.fromarray(shades))))

    np.testing.assert_allclose(decoded[..., 0].ravel(), np.arange(256), atol=1)


def test_of_an_animation_the_first_picture_is_taken() -> None:
    red, blue = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")
    film = stored(red, "GIF", save_all=True, append_images=[blue], duration=100)

    assert decode(film).getpixel((4, 4)) == (255, 0, 0)


def test_a_large_jpeg_is_decoded_at_a_fraction_of_its_size() -> None:
    picture = Image.linear_gradient("L").resize((4000, 3000)).convert("RGB")
    decoded = decode(stored(picture, "JPEG"))

    assert decoded.size == (500, 375)
    np.testing.assert_allclose(pixels(decoded), pixels(picture), atol=0.05)


@pytest.mark.parametrize(
    "size", [(1, 49_000_000), (20_001, 1), (7_000, 7_000), (5_001, 5_000), (60_000, 60_000)]
)
@pytest.mark.parametrize("writer", ["BMP", "PNG"])
def test_a_picture_that_would_unfold_to_too_much_is_refused(
    writer: str, size: tuple[int, int]
) -> None:
    small = stored(Image.new("RGBA", (8, 8)), writer).content
    if writer == "BMP":
        bomb = small[:18] + struct.pack("<ii", *size) + small[26:]
    else:
        header = b"IHDR" + struct.pack(">II", *size) + small[24:29]
        bomb = small[:12] + header + struct.pack(">I", zlib.crc32(header)) + small[33:]

    with pytest.raises(Rejected, match="pixels"):
        decode(Media(bomb, writer.lower()))


def test_a_webp_that_would_unfold_to_too_much_is_refused() -> None:
    small = bytearray(stored(Image.new("RGBA", (8, 8)), "WEBP", lossless=True).content)
    at = small.index(b"VP8L") + 9
    sides = int.from_bytes(small[at : at + 4], "little") >> 28 << 28 | 3_999 << 14 | 3_999
    small[at : at + 4] = sides.to_bytes(4, "little")

    with pytest.raises(Rejected, match="4000 × 4000 pixels; give one of 15 million"):
        decode(Media(bytes(small), "webp"))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "1", "I;16"])
def test_a_large_picture_is_made_smaller_and_shows_the_same(mode: str) -> None:
    half = Image.new("L", (3_000, 1_500), 255)
    half.paste(0, (1_500, 0, 3_000, 1_500))
    shown = Image.new(mode, half.size, 65_535) if mode == "I;16" else half.convert(mode)
    decoded = decode(stored(shown))

    assert decoded.size == (1_500, 750)
    left, right = decoded.getpixel((100, 300)), decoded.getpixel((1_400, 300))
    assert (left, right) == ((255,) * 3, (255,) * 3 if mode == "I;16" else (0,) * 3)


@pytest.mark.parametrize("writer", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_a_damaged_picture_is_refused_or_read_and_breaks_nothing(writer: str) -> None:
    whole = stored(left_and_right(), writer)
    chance = random.Random(3)
    refused = 0
    for _ in range(150):
        damaged = bytearray(whole.content[: chance.randrange(12, len(whole.content) + 1)])
        for _ in range(3):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            assert decode(Media(bytes(damaged), whole.format)).mode == "RGB"
        except Rejected:
            refused += 1
    assert refused > 50


@pytest.mark.parametrize("size", [(224, 224), (3000, 100), (1, 400), (31, 33), (1, 1)])
def test_a_picture_of_any_shape_fills_the_models_input(size: tuple[int, int]) -> None:
    seen = pixels(Image.new("RGB", size, (255, 127, 0)))

    assert seen.shape == (3, 224, 224)
    assert seen.dtype == np.float32
    for channel, value in enumerate([1.0, 0.0, -127 / 128]):
        np.testing.assert_allclose(seen[channel], value, atol=0.01)


def test_the_centre_is_what_is_seen() -> None:
    picture = Image.new("RGB", (512, 256), "black")
    picture.paste("white", (144, 16, 368, 240))

    assert pixels(picture).min() > 0.99
