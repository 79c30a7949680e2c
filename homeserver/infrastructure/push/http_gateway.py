"""`PushGateway` over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import aiohttp
import msgspec

from homeserver.application.ports.push_gateway import Answer, ForbiddenGatewayError, GatewayError
from homeserver.infrastructure.push.addresses import GuardedResolver, check_literal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from ipaddress import IPv4Network, IPv6Network

TIMEOUT: Final = aiohttp.ClientTimeout(total=10.0)
MAX_ANSWER: Final = 64 * 1024
"""Bytes of an answer that are read."""
HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "Firn"}
_decode = msgspec.json.Decoder().decode


class HttpPushGateway:
    """See `PushGateway`."""

    def __init__(
        self,
        networks: Callable[[], Collection[IPv4Network | IPv6Network]],
        plain_hosts: Callable[[], Collection[str]],
    ) -> None:
        """`networks` and `plain_hosts` are what the operator allows beside public HTTPS."""
        self._networks = networks
        self._plain_hosts = plain_hosts
        self._session: aiohttp.ClientSession | None = None

    async def notify(self, url: str, body: bytes) -> Answer:
        """See `PushGateway.notify`."""
        self._check(url)
        try:
            async with self._open().post(
                url, data=body, headers=HEADERS, allow_redirects=False
            ) as answer:
                read = await _start_of(answer.content)
                return Answer(answer.status, _rejected(read), _retry_after(answer))
        except ForbiddenGatewayError:
            raise
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise GatewayError(type(error).__name__) from error

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _check(self, url: str) -> None:
        """The settings may be other than when the pusher was set."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme != "https" and host not in self._plain_hosts():
            raise ForbiddenGatewayError("the gateway is not encrypted")
        check_literal(host, self._networks())

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=GuardedResolver(self._networks), limit=0, ttl_dns_cache=60
            )
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session


async def _start_of(content: aiohttp.StreamReader) -> bytes:
    """An answer, or nothing of one that is too long."""
    read = b""
    while chunk := await content.read(MAX_ANSWER + 1 - len(read)):
        read += chunk
        if len(read) > MAX_ANSWER:
            return b""
    return read


def _rejected(body: bytes) -> frozenset[str]:
    """The pushkeys of an answer; what cannot be understood rejects none."""
    try:
        found: Any = _decode(body)
    except msgspec.DecodeError:
        return frozenset()
    listed = found.get("rejected") if isinstance(found, dict) else None
    if not isinstance(listed, list):
        return frozenset()
    return frozenset(each for each in listed if isinstance(each, str))


def _retry_after(answer: aiohttp.ClientResponse) -> float:
    """`Retry-After` in seconds; 0 for none, and for a date."""
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdecimal() else 0.0
