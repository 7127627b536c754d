"""Posting to addresses that others gave, as safely as they are fetched from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import httpcore

from embeddings.errors import Rejected, Unavailable
from embeddings.media import addresses
from embeddings.media.addresses import Resolver
from embeddings.media.connection import CheckedBackend, Deadline, TimeLimits
from embeddings.media.download import NO_HOSTS, checked_url, origin_of, ssl_context

# Of what a host answers, so many bytes are read.
_MOST_BYTES = 1_000


@dataclass(frozen=True, slots=True)
class Posted:
    """What the host answered: status, headers in lower case, and the beginning of its text."""

    status: int
    headers: Mapping[str, str]
    text: str


def post(
    address: str,
    body: bytes,
    headers: Mapping[str, str],
    times: TimeLimits,
    *,
    allowed_hosts: frozenset[str] = NO_HOSTS,
    resolve: Resolver = addresses.lookup,
) -> Posted:
    """Post a body to an http(s) address; whatever status it answers is returned.

    Redirects are not followed.

    Args:
        allowed_hosts: names, in lower case, that need not be on the public internet.

    Raises:
        Rejected: it never works: a forbidden or malformed address.
        Unavailable: its host does not answer in time, or not in HTTP.
    """
    url = checked_url(address)
    if url.userinfo:
        raise Rejected("an address with a user name is not posted to; leave it out.")
    origin = origin_of(url)
    backend = CheckedBackend(Deadline.after(times.total), allowed_hosts, resolve)
    timeout = {"connect": times.connect, "read": times.read, "write": times.read}
    sent: dict[str, bytes | str] = {
        "Host": url.netloc,
        "User-Agent": "Kinship",
        "Accept-Encoding": "identity",
        "Content-Length": str(len(body)),
        **headers,
    }
    try:
        with (
            httpcore.HTTPConnection(
                origin, ssl_context(url.scheme), network_backend=backend
            ) as connection,
            connection.stream(
                "POST",
                httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=origin.port, target=url.raw_path
                ),
                headers=list(sent.items()),
                content=body,
                extensions={"timeout": timeout},
            ) as response,
        ):
            told = {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in response.headers
            }
            return Posted(response.status, told, _beginning(response.iter_stream()))
    except httpcore.TimeoutException as exc:
        raise Unavailable(f"{url.host} did not answer in time.") from exc
    except (httpcore.NetworkError, httpcore.ProtocolError) as exc:
        raise Unavailable(f"the connection to {url.host} failed: {exc}.") from exc


def _beginning(chunks: Iterable[bytes]) -> str:
    """The first of what is answered; a NUL is none that a database keeps."""
    kept = b""
    for chunk in chunks:
        kept += chunk
        if len(kept) >= _MOST_BYTES:
            break
    return kept[:_MOST_BYTES].decode(errors="replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")
