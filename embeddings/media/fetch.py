"""Fetching the pictures and videos that products name, safely.

Their addresses come from feeds, so they are treated as a stranger's, and only what really is a
picture or a video is taken.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from embeddings.errors import Rejected
from embeddings.media import addresses
from embeddings.media.addresses import Resolver
from embeddings.media.connection import TimeLimits
from embeddings.media.download import NO_HOSTS, Visit, download, named, too_large
from embeddings.media.formats import format_of
from embeddings.spec import MediaLimits
from embeddings.types import Modality

_DATA_URI = re.compile(r"data:image/[\w.+-]+;base64,", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Media:
    """A picture or a video as it is stored; `format` as `formats` names it."""

    content: bytes
    format: str


@dataclass(frozen=True, slots=True)
class _Allowed:
    """What one fetch may bring."""

    max_bytes: int
    formats: frozenset[str]


def fetch(
    address: str,
    limits: MediaLimits,
    modality: Modality = Modality.IMAGE,
    *,
    allowed_hosts: frozenset[str] = NO_HOSTS,
    times: TimeLimits = TimeLimits(),  # noqa: B008 - frozen
    resolve: Resolver = addresses.lookup,
) -> Media:
    """Fetch a picture or a video from an http(s) address, or a picture from a `data:` URI.

    Redirects are followed, three at most, and each is checked as the first address was. The
    resolver's own time limit comes on top of `times`.

    Args:
        allowed_hosts: names, in lower case, that need not be on the public internet.

    Raises:
        Rejected: it never works: a forbidden or malformed address, nothing there, too large, or
            not of a format in `limits`.
        Unavailable: its host does not answer, or says to come back later.
    """
    allowed = _allowed(limits, modality)
    with named(address, modality):
        if address[:5].lower() == "data:":
            content = _decoded(address, allowed.max_bytes)
        else:
            visit = Visit(
                max_bytes=allowed.max_bytes,
                allowed_hosts=allowed_hosts,
                times=times,
                resolve=resolve,
            )
            pieces: list[bytes] = []
            download(address, visit, pieces.append)
            content = b"".join(pieces)
        return Media(content, _checked_format(content, allowed.formats))


def _allowed(limits: MediaLimits, modality: Modality) -> _Allowed:
    if modality is Modality.VIDEO:
        return _Allowed(limits.video_bytes, limits.video_formats)
    return _Allowed(limits.image_bytes, limits.image_formats)


def _checked_format(content: bytes, formats: frozenset[str]) -> str:
    content_format = format_of(content)
    if content_format not in formats:
        wanted = ", ".join(sorted(formats))
        actual = content_format or "nothing that is known here"
        raise Rejected(f"its content is {actual}; give one of: {wanted}.")
    return content_format


def _decoded(uri: str, max_bytes: int) -> bytes:
    head = _DATA_URI.match(uri)
    if head is None:
        raise Rejected("only data:image/…;base64,… URIs are read; give one, or an address.")
    encoded = uri[head.end() :]
    if len(encoded) // 4 * 3 > max_bytes + 2:
        raise too_large(max_bytes)
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise Rejected(f"it is not valid Base64 ({exc}); encode the picture again.") from exc
    if len(content) > max_bytes:
        raise too_large(max_bytes)
    return content
