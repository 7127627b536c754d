"""Which addresses of the internet may be fetched from: public ones only.

What a shop writes into a product must not make a worker talk to the machines around it
(server-side request forgery: CWE-918).
"""

import re
import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from embeddings.errors import Rejected, Unavailable

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Sequence[str]]

# IANA's special-purpose registries, with multicast and what is reserved.
_SPECIAL_V4 = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
_GLOBAL_V6 = ip_network("2000::/3")
# Among them the tunnels Teredo (in 2001::/23) and 6to4, which lead to any IPv4 address.
_SPECIAL_V6 = tuple(map(ip_network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
# IPv4-mapped (RFC 4291) and NAT64 (RFC 6052): the last four bytes are the address meant.
_EMBEDDING_V4 = tuple(map(ip_network, ("::ffff:0:0/96", "64:ff9b::/96")))


_USER = re.compile(r"(?<=://)[^/?#]*(?=@)")
HIDDEN = "***"


def without_user(address: str) -> str:
    """An address that may be shown: with stars for the user and password in it."""
    return _USER.sub(HIDDEN, address, count=1)


def user_of(address: str) -> str:
    """The user and password in an address as they are written; empty where there are none."""
    found = _USER.search(address)
    return found[0] if found else ""


def is_public(address: Address) -> bool:
    """Whether it is a machine of the public internet, in whichever way it is written."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_V4)
    if any(address in network for network in _EMBEDDING_V4):
        return is_public(IPv4Address(address.packed[-4:]))
    return address in _GLOBAL_V6 and not any(address in network for network in _SPECIAL_V6)


def lookup(host: str, port: int) -> list[str]:
    """The addresses of a host, from the system's resolver, whose own time limit holds.

    Raises:
        OSError: it could not be resolved.
    """
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in entries))


def public_addresses(host: str, port: int, resolve: Resolver = lookup) -> list[str]:
    """Resolve a host, and take its addresses only where every one is public.

    An error does not tell what they are: who names hosts need not know the network.

    Raises:
        Rejected: one of its addresses is not public.
        Unavailable: it could not be resolved.
    """
    addresses = resolved(host, port, resolve)
    for address in addresses:
        if not is_public(ip_address(address)):
            raise Rejected(
                f"{host} is not on the public internet; if it is to be fetched from, name it in "
                "KINSHIP_MEDIA_HOSTS."
            )
    return addresses


def resolved(host: str, port: int, resolve: Resolver = lookup) -> list[str]:
    """Resolve a host that may be anywhere.

    Raises:
        Rejected: it is no name of a host.
        Unavailable: it could not be resolved.
    """
    try:
        addresses = list(resolve(host, port))
    except OSError as exc:
        raise Unavailable(f"the host {host} could not be resolved: {exc}.") from exc
    except UnicodeError as exc:
        raise Rejected(f"{host!r} is no name of a host; correct the address.") from exc
    if not addresses:
        raise Unavailable(f"the host {host} has no address.")
    return addresses
