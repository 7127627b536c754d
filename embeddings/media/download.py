"""Downloading from addresses that others gave, safely.

They are treated as a stranger's: only http and https, only public machines, and limits of size and
time. Proxies of the environment are not used: a proxy would resolve the name anew, and unchecked.
"""

import base64
import ssl
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

import httpcore
import httpx

from embeddings.errors import Rejected, Unavailable
from embeddings.media import addresses
from embeddings.media.addresses import Resolver
from embeddings.media.connection import CheckedBackend, Deadline, TimeLimits

_MAX_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NOT_MODIFIED = 304
_PORTS = {"http": 80, "https": 443}
_TRY_LATER = frozenset({408, 425, 429})
_CONDITIONS = frozenset({"If-None-Match", "If-Modified-Since"})
_SHOWN_CHARACTERS = 120
_INFLATED_AT_ONCE = 1 << 20
NO_HOSTS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """How an address is visited, and what it may bring.

    Attributes:
        max_bytes: of its content, unpacked.
        allowed_hosts: names, in lower case, that need not be on the public internet.
        times: the resolver's own time limit comes on top of them.
        headers: of the request, beside its own; If-None-Match and If-Modified-Since make 304 an
            answer.
        advice: what to do where it is too large.
        takes_user: whether the address may name a user and a password, who are told to its own
            host by basic authentication, and to none that it redirects to.
    """

    max_bytes: int
    allowed_hosts: frozenset[str] = NO_HOSTS
    times: TimeLimits = field(default_factory=TimeLimits)
    resolve: Resolver = addresses.lookup
    headers: Mapping[str, str] = field(default_factory=dict)
    advice: str = "give a smaller one"
    takes_user: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What the host said of the content, its headers in lower case; `is_modified`: it came."""

    headers: Mapping[str, str]
    is_modified: bool = True


def download(address: str, visit: Visit, write: Callable[[bytes], object]) -> Answer:
    """Download the content of an http(s) address, piece by piece.

    Redirects are followed, three at most, and each is checked as the first address was.

    Raises:
        Rejected: it never works: a forbidden or malformed address, nothing there, or too large.
        Unavailable: its host does not answer, or says to come back later.
    """
    deadline = Deadline.after(visit.times.total)
    backend = CheckedBackend(deadline, visit.allowed_hosts, visit.resolve)
    url, user = _parted(checked_url(address), visit)
    for _ in range(_MAX_REDIRECTS + 1):
        answer = _get(url, user, visit, backend, write)
        if isinstance(answer, Answer):
            return answer
        if origin_of(answer) != origin_of(url):
            user = {}
        url = answer
    raise Rejected(f"it redirects more than {_MAX_REDIRECTS} times; give the last address.")


@contextmanager
def named(address: str, what: str) -> Iterator[None]:
    """Put what is at an address, and the address, before what is said of it in errors."""
    cut = address[:_SHOWN_CHARACTERS] + ("…" if len(address) > _SHOWN_CHARACTERS else "")
    try:
        yield
    except Unavailable as exc:
        raise Unavailable(f"The {what} at {cut}: {exc}", retry_after=exc.retry_after) from exc
    except Rejected as exc:
        raise Rejected(f"The {what} at {cut}: {exc}") from exc


def checked_url(address: str | httpx.URL) -> httpx.URL:
    """An address as it can be asked.

    Raises:
        Rejected: it is none of http or https.
    """
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as exc:
        # What is wrong may be the password.
        why = "" if "@" in str(address) else f" ({exc})"
        raise Rejected(f"this is no valid address{why}; correct it.") from exc
    if url.scheme not in _PORTS or not url.raw_host:
        raise Rejected("only http and https addresses are fetched; give one.")
    if url.port is not None and not 1 <= url.port <= 65_535:
        raise Rejected(f"there is no port {url.port}; correct the address.")
    return url


def _parted(url: httpx.URL, visit: Visit) -> tuple[httpx.URL, dict[str, str]]:
    """The address without its user, and the header that tells the host who asks."""
    if not url.userinfo:
        return url, {}
    if not visit.takes_user:
        raise Rejected("an address with a user name is not fetched; leave it out.")
    told = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    return url.copy_with(userinfo=b""), {"Authorization": f"Basic {told}"}


def _without_user(url: httpx.URL) -> httpx.URL:
    if url.userinfo:
        raise Rejected("it redirects to an address with a user name, which is not fetched.")
    return url


def origin_of(url: httpx.URL) -> httpcore.Origin:
    """Which host answers for an address, and how."""
    return httpcore.Origin(url.raw_scheme, url.raw_host, url.port or _PORTS[url.scheme])


def _get(
    url: httpx.URL,
    user: Mapping[str, str],
    visit: Visit,
    backend: CheckedBackend,
    write: Callable[[bytes], object],
) -> Answer | httpx.URL:
    """What is there, or where it redirects to."""
    origin = origin_of(url)
    times = visit.times
    timeout = {"connect": times.connect, "read": times.read, "write": times.read}
    # Compressing a picture again gains nothing, and hides how large it is.
    sent: dict[str, bytes | str] = {
        "Host": url.netloc,
        "User-Agent": "Kinship",
        "Accept-Encoding": "identity",
    }
    sent.update({**visit.headers, **user})
    try:
        with (
            httpcore.HTTPConnection(
                origin, ssl_context(url.scheme), network_backend=backend
            ) as connection,
            connection.stream(
                "GET",
                httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=origin.port, target=url.raw_path
                ),
                headers=list(sent.items()),
                extensions={"timeout": timeout},
            ) as response,
        ):
            headers = {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in response.headers
            }
            if response.status in _REDIRECTS and "location" in headers:
                return _without_user(
                    checked_url(_joined(url, headers["location"].encode("latin-1")))
                )
            if response.status == _NOT_MODIFIED and not _CONDITIONS.isdisjoint(visit.headers):
                return Answer(headers, is_modified=False)
            _check_status(response.status)
            _receive(response, headers, visit, write)
            return Answer(headers)
    except httpcore.TimeoutException as exc:
        raise Unavailable(f"{url.host} did not answer in time.") from exc
    except (httpcore.NetworkError, httpcore.ProtocolError) as exc:
        raise Unavailable(f"the connection to {url.host} failed: {exc}.") from exc


@cache
def ssl_context(scheme: str) -> ssl.SSLContext | None:
    """What verifies a host's name; None where the scheme has none."""
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


def _receive(
    response: httpcore.Response,
    headers: Mapping[str, str],
    visit: Visit,
    write: Callable[[bytes], object],
) -> None:
    declared = headers.get("content-length", "")
    if declared.isdigit() and int(declared) > visit.max_bytes:
        raise too_large(visit.max_bytes, visit.advice)
    received = 0
    for chunk in _plain(response.iter_stream(), headers.get("content-encoding", "")):
        received += len(chunk)
        if received > visit.max_bytes:
            raise too_large(visit.max_bytes, visit.advice)
        write(chunk)


def _plain(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """The chunks as they were before their host compressed them."""
    if encoding.lower() in ("", "identity"):
        yield from chunks
        return
    if encoding.lower() not in ("gzip", "x-gzip", "deflate"):
        raise Rejected(f"its host compresses it with {encoding}.")
    try:
        yield from _inflated(chunks)
    except zlib.error as exc:
        raise Rejected(f"its compressed content is damaged ({exc}); store it again.") from exc


def _inflated(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """What was compressed, in pieces of bounded size however far a chunk unfolds."""
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)
    for chunk in chunks:
        rest, piece = chunk, b""
        while rest or len(piece) == _INFLATED_AT_ONCE:
            piece = inflater.decompress(rest, _INFLATED_AT_ONCE)
            yield piece
            rest = inflater.unconsumed_tail
            # A file may be made of several, one after another.
            if inflater.eof and inflater.unused_data:
                rest = inflater.unused_data
                inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)
    if not inflater.eof:
        raise Rejected("its compressed content ends too soon; store it again.")


def too_large(max_bytes: int, advice: str = "give a smaller one") -> Rejected:
    """The error of what is larger than it may be."""
    return Rejected(f"it is larger than {max_bytes / 1e6:g} MB; {advice}.")
