"""Fetching the pictures and videos that products name, safely.

Their addresses come from feeds, so they are treated as a stranger's: only http and https, only
public machines, limits of size and time, and only what really is a picture or a video. Proxies
of the environment are not used: a proxy would resolve the name anew, and unchecked.
"""

import base64
import binascii
import re
import ssl
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import httpcore
import httpx

from embeddings.errors import Rejected, Unavailable
from embeddings.media import addresses
from embeddings.media.addresses import Resolver
from embeddings.media.connection import CheckedBackend, Deadline, TimeLimits
from embeddings.media.formats import format_of
from embeddings.spec import MediaLimits
from embeddings.types import Modality

_MAX_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}
_TRY_LATER = frozenset({408, 425, 429})
_DATA_URI = re.compile(r"data:image/[\w.+-]+;base64,", re.ASCII | re.IGNORECASE)
_SHOWN_CHARACTERS = 120
_NO_HOSTS: frozenset[str] = frozenset()


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
    allowed_hosts: frozenset[str] = _NO_HOSTS,
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
            deadline = Deadline.after(times.total)
            backend = CheckedBackend(deadline, allowed_hosts, resolve)
            content = _downloaded(address, allowed.max_bytes, backend, times)
        return Media(content, _checked_format(content, allowed.formats))


@contextmanager
def named(address: str, modality: Modality) -> Iterator[None]:
    """Put a picture's or a video's address before what is said of it in errors."""
    cut = address[:_SHOWN_CHARACTERS] + ("…" if len(address) > _SHOWN_CHARACTERS else "")
    try:
        yield
    except Unavailable as exc:
        raise Unavailable(f"The {modality} at {cut}: {exc}", retry_after=exc.retry_after) from exc
    except Rejected as exc:
        raise Rejected(f"The {modality} at {cut}: {exc}") from exc


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
        raise _too_large(max_bytes)
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise Rejected(f"it is not valid Base64 ({exc}); encode the picture again.") from exc
    if len(content) > max_bytes:
        raise _too_large(max_bytes)
    return content


def _downloaded(address: str, max_bytes: int, backend: CheckedBackend, times: TimeLimits) -> bytes:
    url = _url(address)
    for _ in range(_MAX_REDIRECTS + 1):
        content = _get(url, max_bytes, backend, times)
        if isinstance(content, bytes):
            return content
        url = content
    raise Rejected(f"it redirects more than {_MAX_REDIRECTS} times; give the last address.")


def _url(address: str | httpx.URL) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as exc:
        raise Rejected(f"this is no valid address ({exc}); correct it.") from exc
    if url.scheme not in _PORTS or not url.raw_host:
        raise Rejected("only http and https addresses are fetched; give one.")
    if url.port is not None and not 1 <= url.port <= 65_535:
        raise Rejected(f"there is no port {url.port}; correct the address.")
    if url.userinfo:
        raise Rejected("an address with a user name is not fetched; leave it out.")
    return url


def _get(
    url: httpx.URL, max_bytes: int, backend: CheckedBackend, times: TimeLimits
) -> bytes | httpx.URL:
    """What is there, or where it redirects to."""
    port = url.port or _PORTS[url.scheme]
    origin = httpcore.Origin(url.raw_scheme, url.raw_host, port)
    timeout = {"connect": times.connect, "read": times.read, "write": times.read}
    try:
        with (
            httpcore.HTTPConnection(
                origin, _ssl_context(url.scheme), network_backend=backend
            ) as connection,
            connection.stream(
                "GET",
                httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=port, target=url.raw_path
                ),
                # Compressing a picture again gains nothing, and hides how large it is.
                headers={
                    "Host": url.netloc,
                    "User-Agent": "Kinship",
                    "Accept-Encoding": "identity",
                },
                extensions={"timeout": timeout},
            ) as response,
        ):
            headers = {name.lower(): value for name, value in response.headers}
            if response.status in _REDIRECTS and b"location" in headers:
                return _url(_joined(url, headers[b"location"]))
            _check_status(response.status)
            return _body(response, headers, max_bytes)
    except httpcore.TimeoutException as exc:
        raise Unavailable(f"{url.host} did not answer in time.") from exc
    except (httpcore.NetworkError, httpcore.ProtocolError) as exc:
        raise Unavailable(f"the connection to {url.host} failed: {exc}.") from exc


@cache
def _ssl_context(scheme: str) -> ssl.SSLContext | None:
    return httpx.create_ssl_context() if scheme == "https" else None


def _joined(url: httpx.URL, location: bytes) -> httpx.URL:
    try:
        return url.join(location.decode())
    except (UnicodeDecodeError, httpx.InvalidURL) as exc:
        raise Rejected(f"it redirects to no valid address ({exc}).") from exc


def _check_status(status: int) -> None:
    if status >= 500 or status in _TRY_LATER:
        raise Unavailable(f"its host answered {status}.")
    if status != 200:
        raise Rejected(f"its host answered {status}; correct the address or publish it.")


def _body(response: httpcore.Response, headers: dict[bytes, bytes], max_bytes: int) -> bytes:
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > max_bytes:
        raise _too_large(max_bytes)
    content = bytearray()
    for chunk in _plain(response.iter_stream(), headers.get(b"content-encoding", b""), max_bytes):
        content += chunk
        if len(content) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(content)


def _plain(chunks: Iterator[bytes], encoding: bytes, max_bytes: int) -> Iterator[bytes]:
    """The chunks as they were before their host compressed them."""
    if encoding.lower() in (b"", b"identity"):
        yield from chunks
        return
    if encoding.lower() not in (b"gzip", b"x-gzip", b"deflate"):
        raise Rejected(f"its host compresses it with {encoding.decode(errors='replace')}.")
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        for chunk in chunks:
            # One byte over the limit is enough to refuse it, however far it would unfold.
            yield inflater.decompress(chunk, max_bytes + 1)
    except zlib.error as exc:
        raise Rejected(f"its compressed content is damaged ({exc}); store it again.") from exc
    if not inflater.eof:
        raise Rejected("its compressed content ends too soon; store it again.")


def _too_large(max_bytes: int) -> Rejected:
    return Rejected(f"it is larger than {max_bytes / 1e6:g} MB; give a smaller one.")
