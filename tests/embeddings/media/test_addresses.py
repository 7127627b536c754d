import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from embeddings.errors import Rejected, Unavailable
from embeddings.media.addresses import is_public, lookup, public_addresses

INNER_V4 = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/4",
    "240.0.0.0/4",
]
INNER_V6 = ["::/64", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "2001::/32", "2001:db8::/32"]

inner_v4 = st.sampled_from(INNER_V4).flatmap(lambda net: st.ip_addresses(network=net))
inner_v6 = st.sampled_from(INNER_V6).flatmap(lambda net: st.ip_addresses(network=net))


def in_v6(network: str, inside: IPv4Address, shift: int = 0) -> IPv6Address:
    return ip_network(network)[int(inside) << shift]


@given(inner_v4)
def test_no_inner_ipv4_address_is_public_in_whatever_form(address: IPv4Address) -> None:
    assert not is_public(address)
    assert not is_public(in_v6("::ffff:0:0/96", address))  # IPv4-mapped
    assert not is_public(in_v6("::/96", address))  # IPv4-compatible
    assert not is_public(in_v6("64:ff9b::/96", address))  # NAT64
    assert not is_public(in_v6("64:ff9b:1::/48", address))  # NAT64 of one's own network
    assert not is_public(in_v6("2002::/16", address, shift=80))  # 6to4


@given(inner_v6)
def test_no_inner_ipv6_address_is_public(address: IPv6Address) -> None:
    assert not is_public(address)


@given(st.ip_addresses())
@example(ip_address("192.88.99.1"))
@example(ip_address("2002:808:808::1"))
def test_what_is_public_python_holds_to_be_global_too(address: IPv4Address | IPv6Address) -> None:
    meant = getattr(address, "ipv4_mapped", None) or address
    nat64 = address in ip_network("64:ff9b::/96")

    assert not is_public(address) or nat64 or (meant.is_global and not meant.is_multicast)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.216.34", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"],
)
def test_machines_of_the_internet_are_public(address: str) -> None:
    assert is_public(ip_address(address))


def test_one_inner_address_among_public_ones_forbids_the_host() -> None:
    def resolve(host: str, port: int) -> list[str]:
        return ["8.8.8.8", "10.0.0.1"]

    with pytest.raises(Rejected, match=r"shop\.example is not.*KINSHIP_MEDIA_HOSTS") as refused:
        public_addresses("shop.example", 443, resolve)
    assert "10.0" not in str(refused.value)


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433", "localhost", "::1", "0"])
def test_no_way_to_write_this_machine_is_public(host: str) -> None:
    with pytest.raises(Rejected, match="not on the public internet"):
        public_addresses(host, 80)


def test_a_host_that_cannot_be_resolved_is_tried_again_later() -> None:
    def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    with pytest.raises(Unavailable, match=r"shop\.example could not be resolved"):
        public_addresses("shop.example", 443, resolve)


def test_what_is_no_name_at_all_is_refused() -> None:
    with pytest.raises(Rejected, match="no name of a host"):
        public_addresses("a" * 70 + ".example", 80, lookup)
