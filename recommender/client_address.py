"""Who asks, by address: what limits and locks count by."""

import ipaddress
import re

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Who asks: the peer, or whom the proxy in front names last; of IPv6, the network of 64 bits.

    Text that is no address, as a socket's, is returned as it is.
    """
    address: str = request.META.get("REMOTE_ADDR", "")
    if settings.TLS_PROXY:
        # What stands before it, the client wrote.
        address = request.headers.get("X-Forwarded-For", address).rpartition(",")[2].strip()
        # Some add the port, in brackets of IPv6: each of a client's connections has another.
        if found := re.fullmatch(r"\[(.+)\](?::\d+)?|([\d.]+):\d+", address):
            address = found[1] or found[2]
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    return str(known.ipv4_mapped or ipaddress.ip_network((known, 64), strict=False))
