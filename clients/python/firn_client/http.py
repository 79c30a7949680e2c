"""One try of one request, over aiohttp."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import aiohttp
import msgspec

from firn_client.errors import ConnectionFailedError, refusal

if TYPE_CHECKING:
    from firn_client.calls.call import Call

T = TypeVar("T")
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 30.0
OK = 200


class Http:
    """Connections to any number of servers; opened when they are needed."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The connections of this event loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def once(self, server: str, call: Call[T], token: str | None) -> T:
        """Make the request. Raises ConnectionFailedError, MatrixError, ProtocolError."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = None if call.body is None else msgspec.json.encode(call.body)
        if body is not None:
            headers["Content-Type"] = "application/json"
        timeout = aiohttp.ClientTimeout(
            total=call.wait + ANSWER_SECONDS, sock_connect=CONNECT_SECONDS
        )
        try:
            async with self.session.request(
                call.method,
                server + call.path,
                params=call.query,
                data=body,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            ) as answer:
                text = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise failed(error) from error
        if answer.status != OK:
            raise refusal(answer.status, _json(text), answer.headers.get("Retry-After"))
        return call.decode(text)


def failed(error: Exception) -> ConnectionFailedError:
    """What aiohttp raised; the request has left unless there was no connection at all."""
    unsent = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
    message = f"{type(error).__name__}: {error}"
    return ConnectionFailedError(message, sent=not isinstance(error, unsent))


def _json(text: bytes) -> object:
    try:
        return msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return None  # a gateway's page instead of an error object
