"""What kind of picture or video some bytes are, by how they begin."""

from collections.abc import Mapping

# Long enough for a Matroska file to name its kind.
HEAD_BYTES = 64

IMAGE_FORMATS = frozenset({"jpg", "png", "gif", "bmp", "webp"})
VIDEO_FORMATS = frozenset({"mp4", "mov", "webm", "mkv", "avi", "flv", "mpeg"})

_BEGINNINGS: Mapping[bytes, str] = {
    b"\xff\xd8\xff": "jpg",
    b"\x89PNG\r\n\x1a\n": "png",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
    b"BM": "bmp",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"FLV\x01": "flv",
    b"\0\0\x01\xba": "mpeg",
}
_RIFF: Mapping[bytes, str] = {b"WEBP": "webp", b"AVI ": "avi"}
_MATROSKA = b"\x1a\x45\xdf\xa3"
# The ISO base media file format: what the first box is, and whose file it is.
_BOXES = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip"})
_BRANDS: Mapping[bytes, str] = {
    b"qt  ": "mov",
    b"avif": "avif",
    b"avis": "avif",
    b"heic": "heic",
    b"heix": "heic",
    b"mif1": "heic",
}


def format_of(content: bytes) -> str:
    """The format's usual ending in lower case, without a dot; empty where it is none of ours."""
    for beginning, name in _BEGINNINGS.items():
        if content.startswith(beginning):
            return name
    if content.startswith(b"RIFF"):
        return _RIFF.get(content[8:12], "")
    if content.startswith(_MATROSKA):
        return "webm" if b"webm" in content[:HEAD_BYTES] else "mkv"
    if content[4:8] == b"ftyp":
        return _BRANDS.get(content[8:12], "mp4")
    return "mov" if content[4:8] in _BOXES else ""
