"""Refusing pictures and videos that a hosted model never takes, before they are sent."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from embeddings.errors import Rejected
from embeddings.spec import MediaLimits, ModelSpec
from embeddings.types import Input

_DATA_URI = re.compile(r"data:(image|video)/([\w.+-]+);base64,", re.IGNORECASE)
# Names of one format; the first is what limits are compared by.
_SYNONYMS = {"jpg": "jpeg", "jpe": "jpeg", "tif": "tiff", "svg+xml": "svg", "x-ms-bmp": "bmp"}
# Endings of addresses that surely name a format. Others (`.php`, none) leave it to the provider.
_IMAGE_ENDINGS = frozenset(
    {"avif", "bmp", "gif", "heic", "ico", "jpeg", "pdf", "png", "psd", "svg", "tiff", "webp"}
)
_VIDEO_ENDINGS = frozenset(
    {"3gp", "avi", "flv", "mkv", "mov", "mp4", "mpeg", "mpg", "ogv", "ts", "webm", "wmv"}
)


def check_media(inputs: Sequence[Input], spec: ModelSpec) -> None:
    """Refuse what can be seen to be beyond `spec.media` without fetching it.

    Raises:
        Rejected: too many pictures, a format that the model does not read, one too large, a video
            that is not at an address, or an address that is none.
    """
    if spec.media is None:
        return
    for source in inputs:
        if len(source.images) > spec.media.images:
            raise Rejected(
                f"{len(source.images)} pictures, but {spec.key} reads {spec.media.images} of a "
                "row; leave the others out."
            )
        for image in source.images:
            _check_image(image, spec.key, spec.media)
        if source.video:
            _check_video(source.video, spec.key, spec.media)


def _check_image(image: str, model: str, limits: MediaLimits) -> None:
    if image[:5].lower() != "data:":
        _check_address(image, "picture")
        _check_ending(image, model, limits.image_formats, _IMAGE_ENDINGS)
        return
    header = _DATA_URI.match(image)
    if not header or header[1].lower() != "image":
        raise Rejected("A picture's data URI begins with data:image/…;base64, and this does not.")
    _check_format(_named(header[2]), model, limits.image_formats)
    size = _decoded_bytes(image, header.end())
    if size > limits.image_bytes:
        raise Rejected(
            f"A picture has {size} bytes, but {model} takes {limits.image_bytes}; make it smaller."
        )


def _check_video(video: str, model: str, limits: MediaLimits) -> None:
    if video[:5].lower() == "data:":
        raise Rejected(f"{model} takes a video by its address only; put the file on a server.")
    _check_address(video, "video")
    _check_ending(video, model, limits.video_formats, _VIDEO_ENDINGS)


def _check_address(address: str, medium: str) -> None:
    try:
        parts = urlsplit(address)
    except ValueError as exc:
        raise Rejected(f"The address of a {medium} is none ({exc}); correct it.") from exc
    if parts.scheme.lower() not in {"http", "https"} or not parts.netloc:
        raise Rejected(
            f"The address of a {medium} must begin with http:// or https:// and a host; correct it."
        )


def _check_ending(
    address: str, model: str, formats: frozenset[str], endings: frozenset[str]
) -> None:
    ending = _named(PurePosixPath(urlsplit(address).path).suffix.removeprefix("."))
    if ending in endings:
        _check_format(ending, model, formats)


def _check_format(name: str, model: str, formats: frozenset[str]) -> None:
    if name not in {_named(known) for known in formats}:
        raise Rejected(
            f"{model} does not read {name} files; convert it to one of: "
            f"{', '.join(sorted(formats))}."
        )


def _named(ending: str) -> str:
    lowered = ending.lower()
    return _SYNONYMS.get(lowered, lowered)


def _decoded_bytes(uri: str, start: int) -> int:
    """The bytes behind base64 that begins at `start`; four characters make three."""
    padding = len(uri) - len(uri.rstrip("="))
    return (len(uri) - start) * 3 // 4 - padding
