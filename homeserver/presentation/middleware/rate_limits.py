"""Rate limits: by user where one is known, else by address."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import LimitExceededError

if TYPE_CHECKING:
    from homeserver.application.ports.rate_limiter import RateLimiter
    from homeserver.presentation.request import Request

_IPV6_SITE = 64


def enforce_limit(limiter: RateLimiter, request: Request, limit_class: str) -> None:
    """Count this request; LimitExceededError when there were too many.

    Application services are exempt as their registration says.
    """
    requester = request.requester_if_any
    if requester is not None and not requester.rate_limited:
        return
    key = requester.user_id if requester is not None else client_key(request)
    wait_ms = limiter.check(key, limit_class)
    if wait_ms is not None:
        raise LimitExceededError(wait_ms)


def client_key(request: Request) -> str:
    """Give the client's address; for IPv6 its /64, all of which one client has."""
    address = client_address(request)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, _IPV6_SITE), strict=False))
    return str(address)


def client_address(request: Request) -> IPv4Address | IPv6Address | None:
    """Give the peer's address, or what trusted proxies say that they forward for.

    `X-Forwarded-For` is read from its end, as long as the addresses are trusted proxies: all
    before the first other one was written by the client. None for a Unix socket.
    """
    address = _parse(request.raw.remote or "")
    proxies = request.settings.trusted_proxies
    if not proxies or address is None or not any(address in net for net in proxies):
        return address
    hops = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
    for hop in reversed(hops):
        forwarded = _parse(hop.strip())
        if forwarded is None:
            return address
        address = forwarded
        if not any(address in net for net in proxies):
            return address
    return address


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address  # a socket for both families gives `::ffff:10.0.0.1`
