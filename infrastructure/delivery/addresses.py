"""Which addresses of the internet a recipient may have. Everything that is not public is refused by name.

A name is resolved once, every address that it has must pass, and the connection goes to one of those very addresses:
a name that says something else the second time is never asked a second time. IPv4 addresses that are carried inside
IPv6 ones are looked at themselves.
Source: the IANA special-purpose address registries (RFC 6890 and its updates); README D6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from queue import Empty, Queue
from socket import SOCK_STREAM, gaierror, getaddrinfo
from threading import Thread
from typing import Final

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Sequence[str]]

ADDRESSES_MAX: Final = 32
# Whatever is said of a network here, nothing is sent there.
DENIED: Final[dict[IPv4Network | IPv6Network, str]] = {
    ip_network(network): why
    for network, why in (
        ("0.0.0.0/8", "this network, and unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by carriers"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "AS112"),
        ("192.52.193.0/24", "AMT"),
        ("192.88.99.0/24", "6to4 relays, deprecated"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "AS112"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved, and broadcast"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::/96", "IPv4-compatible, deprecated"),
        ("64:ff9b:1::/48", "NAT64 for local use"),
        ("100::/64", "discard"),
        ("100:0:0:1::/64", "dummy prefix"),
        ("2001:1::/32", "protocol assignments"),
        ("2001:2::/48", "benchmarking"),
        ("2001:10::/28", "ORCHID, deprecated"),
        ("2001:20::/28", "ORCHIDv2"),
        ("2001:30::/28", "drone remote identification"),
        ("2001:db8::/32", "documentation"),
        ("2620:4f:8000::/48", "AS112"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local, deprecated"),
        ("ff00::/8", "multicast"),
    )
}
GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
NAT64: Final = IPv6Network("64:ff9b::/96")
TEREDO: Final = IPv6Network("2001::/32")
_LOW_32: Final = 0xFFFF_FFFF


class Unresolved(Exception):
    """A name has no address, or none was learnt in time."""


def is_public(text: str) -> bool:
    """True when something may be sent to this address.

    >>> [is_public(one) for one in ("8.8.8.8", "2606:4700::1111", "10.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1")]
    [True, True, False, False, False]
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    inner = embedded(address)
    if inner:
        return all(_allowed(one) for one in inner) and not _denied(address)
    return _allowed(address)


def embedded(address: Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses that an IPv6 address carries: mapped, NAT64, 6to4, Teredo (server and client).

    >>> embedded(ip_address("2002:7f00:1::"))
    (IPv4Address('127.0.0.1'),)
    """
    if isinstance(address, IPv4Address):
        return ()
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address in NAT64:
        return (IPv4Address(int(address) & _LOW_32),)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    return address.teredo or ()


def lookup(host: str, port: int) -> Sequence[str]:
    """All addresses of a name, as the machine's resolver says. Raises Unresolved."""
    try:
        found = getaddrinfo(host, port, type=SOCK_STREAM)
    except (gaierror, UnicodeError):
        raise Unresolved from None
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def resolve(resolver: Resolver, host: str, port: int, seconds: float) -> Sequence[str]:
    """The addresses of a name, asked for once, within `seconds`. Raises Unresolved.

    A resolver cannot be interrupted: one that is late goes on in a thread of its own, and nobody hears it.
    """
    heard: Queue[Sequence[str] | Unresolved] = Queue()

    def ask() -> None:
        try:
            heard.put(resolver(host, port))
        except Unresolved as unresolved:
            heard.put(unresolved)

    Thread(target=ask, name="resolver", daemon=True).start()
    try:
        found = heard.get(timeout=max(seconds, 0.0))
    except Empty:
        raise Unresolved from None
    if isinstance(found, Unresolved) or not found:
        raise Unresolved
    return found[:ADDRESSES_MAX]


def _allowed(address: Address) -> bool:
    if _denied(address):
        return False
    return isinstance(address, IPv4Address) or address in GLOBAL_UNICAST


def _denied(address: Address) -> bool:
    return any(address.version == one.version and address in one for one in DENIED)
