"""Who is asking: a visitor's network address, told by the socket or by a proxy that we trust."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_FORWARDED = (b"x-forwarded-for", b"forwarded", b"x-real-ip")
_NETWORK_BITS = {4: 24, 6: 64}
"""What one household or office usually shares: limits are counted by it."""


class Proxies:
    """The proxies in front of us, as [serve] trusted_proxies names them: '127.0.0.1', '10.0.0.0/8'."""

    def __init__(self, trusted: Iterable[str]) -> None:
        self._networks = tuple(ipaddress.ip_network(one, strict=False) for one in trusted)

    def trusts(self, address: Address) -> bool:
        return any(address in network for network in self._networks)

    def visitor(self, scope: Mapping[str, Any]) -> Address | None:
        """The nearest address that is not one of our proxies; None when it cannot be told.

        X-Forwarded-For is read from its end: what stands before the last proxy's word is the visitor's own claim.
        """
        peer = _address((scope.get("client") or ("",))[0])
        if peer is None or not self.trusts(peer):
            return peer
        said = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        for hop in reversed(said.decode("latin-1").split(",")):
            found = _address(hop.strip())
            if found is None:
                return peer
            peer = found
            if not self.trusts(found):
                return found
        return peer

    def network(self, scope: Mapping[str, Any]) -> str:
        """The visitor's network: '203.0.113.0/24', '2001:db8::/64'; '' when it cannot be told."""
        visitor = self.visitor(scope)
        if visitor is None:
            return ""
        return str(ipaddress.ip_network((visitor, _NETWORK_BITS[visitor.version]), strict=False))

    def is_local(self, scope: Mapping[str, Any]) -> bool:
        """True for a program on this machine that asks for itself, not on behalf of somebody."""
        peer = _address((scope.get("client") or ("",))[0])
        forwarded = any(name in _FORWARDED for name, _ in scope["headers"])
        return peer is not None and peer.is_loopback and not forwarded


def _address(written: str) -> Address | None:
    """'203.0.113.7', '203.0.113.7:4711', '[2001:db8::1]:443', '::ffff:203.0.113.7'; None for anything else."""
    if written.startswith("["):
        written = written[1:].partition("]")[0]
    elif written.count(":") == 1:
        written = written.partition(":")[0]
    try:
        address = ipaddress.ip_address(written.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if address.version == 6 else None
    return mapped or address
