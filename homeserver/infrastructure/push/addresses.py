"""Which addresses a gateway may have: a user's pusher must not reach this server's neighbours."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final

from aiohttp.abc import AbstractResolver
from aiohttp.resolver import ThreadedResolver

from homeserver.application.ports.push_gateway import ForbiddenGatewayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from ipaddress import IPv4Network

    from aiohttp.abc import ResolveResult

    Networks = Iterable[IPv4Network | IPv6Network]

_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
"""IPv4 behind a NAT64 (RFC 6052)."""


def is_allowed(text: str, allowed: Networks) -> bool:
    """Whether an address is public, or in one of the networks that the operator allows.

    An IPv6 address that stands for an IPv4 one counts as that.
    """
    address = _true_address(ip_address(text.partition("%")[0]))
    if any(address in network for network in allowed):
        return True
    return address.is_global and not address.is_multicast


def _true_address(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def check_literal(host: str, allowed: Networks) -> None:
    """Refuse a host that is an address itself; names are for `GuardedResolver`."""
    try:
        ip_address(host)
    except ValueError:
        return
    if not is_allowed(host, allowed):
        raise ForbiddenGatewayError("the gateway's address is private")


class GuardedResolver(AbstractResolver):
    """Gives the addresses of a name that may be connected to.

    The connection goes to just these, so a name that means something else a moment later does
    no harm. Asking the system blocks a thread, not the loop.
    """

    def __init__(self, allowed: Callable[[], Networks]) -> None:
        """Ask the system; `allowed` gives the networks of now."""
        self._system = ThreadedResolver()
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Resolve. Raises ForbiddenGatewayError where all addresses are private."""
        found = await self._system.resolve(host, port, family)
        allowed = self._allowed()
        fit = [each for each in found if is_allowed(each["host"], allowed)]
        if not fit:
            raise ForbiddenGatewayError("the gateway's address is private")
        return fit

    async def close(self) -> None:
        """Nothing to close."""
        await self._system.close()
