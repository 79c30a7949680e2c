"""`ServiceClient` over aiohttp."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aiohttp
import msgspec
from yarl import URL

from homeserver.application.ports.service_client import (
    Reply,
    ServiceAwayError,
    ServiceSlowError,
)

if TYPE_CHECKING:
    from homeserver.application.ports.service_client import Call
    from homeserver.domain.appservices.registration import Registration

PREFIX: Final = "/_matrix/app/v1"
MAX_ANSWER: Final = 1 << 20
"""Bytes of an answer; a service is the operator's, but it may be broken."""


class _Error(msgspec.Struct):
    errcode: str


_decode_error = msgspec.json.Decoder(_Error).decode


class HttpServiceClient:
    """See `ServiceClient`. Redirects are not followed: they would carry the token away."""

    def __init__(self) -> None:
        """Connect when there is something to ask."""
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, service: Registration, call: Call, seconds: float) -> Reply:
        """See `ServiceClient.__call__`."""
        reply = await self._ask(service, call, PREFIX + call.path, seconds)
        if call.legacy is None or reply.ok or _knows_the_path(reply):
            return reply
        return await self._ask(service, call, call.legacy, seconds)

    async def close(self) -> None:
        """See `ServiceClient.close`."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(self, service: Registration, call: Call, path: str, seconds: float) -> Reply:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        headers = {"Authorization": f"Bearer {service.hs_token}"}
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        try:
            async with self._session.request(
                call.method,
                URL(f"{service.url}{path}", encoded=True).with_query(dict(call.query)),
                data=call.body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=seconds),
            ) as answer:
                return Reply(answer.status, await _read(answer))
        except TimeoutError as error:
            raise ServiceSlowError("it does not answer") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise ServiceAwayError(type(error).__name__) from error


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > MAX_ANSWER:
            raise ServiceAwayError("its answer is too long")
    return bytes(body)


def _knows_the_path(reply: Reply) -> bool:
    """Whether a failure is the service's own word: a Matrix error, but for M_UNRECOGNIZED."""
    try:
        return _decode_error(reply.body).errcode != "M_UNRECOGNIZED"
    except msgspec.MsgspecError:
        return False
