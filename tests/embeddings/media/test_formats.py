from io import BytesIO

import pytest
from PIL import Image

from embeddings.media.formats import IMAGE_FORMATS, format_of

WRITERS = {"jpg": "JPEG", "png": "PNG", "gif": "GIF", "bmp": "BMP", "webp": "WEBP"}


@pytest.mark.parametrize("name", sorted(IMAGE_FORMATS))
def test_a_picture_is_known_by_its_content(name: str) -> None:
    buffer = BytesIO()
    Image.new("RGB", (3, 2)).save(buffer, WRITERS[name])

    assert format_of(buffer.getvalue()) == name


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\0\0\0\x18ftypisom\0\0\0\0", "mp4"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0", "mov"),
        (b"\0\0\0\x08wide\0\0\0\0mdat", "mov"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "avif"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "heic"),
        (b"II*\0\x08\0\0\0", "tiff"),
        (b"<!doctype html><title>Not found</title>", ""),
        (b"RIFF\x24\0\0\0WAVEfmt ", ""),
        (b"", ""),
    ],
)
def test_what_is_read_and_what_is_not_are_told_apart(head: bytes, name: str) -> None:
    assert format_of(head) == name
