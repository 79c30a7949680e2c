"""`GET /_firn/client/v1/stream`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from homeserver.domain.shared.errors import GuestAccessForbiddenError, LimitExceededError
from homeserver.infrastructure.telemetry.metrics import count_close
from homeserver.presentation.client.sync import read_sync_request
from homeserver.presentation.middleware.errors import refusal_of
from homeserver.presentation.routing import Auth, Route
from homeserver.presentation.stream.handshake import PROTOCOL, check_handshake, stream_token
from homeserver.presentation.stream.session import refusal
from homeserver.presentation.stream.socket import CLOSE_SECONDS, Socket, Work

if TYPE_CHECKING:
    from homeserver.application.ports.authenticator import Authenticator
    from homeserver.application.requester import Requester
    from homeserver.presentation.client.sync import FilterSource
    from homeserver.presentation.request import Request
    from homeserver.presentation.stream.session import Bye

PATH = "/_firn/client/v1/stream"


@dataclass(frozen=True, slots=True)
class Stream:
    """Opens sockets."""

    authenticator: Authenticator
    filters: FilterSource
    work: Work

    async def __call__(self, request: Request) -> web.StreamResponse:
        """Stream what /sync answers over a WebSocket, and take requests on it."""
        ws = web.WebSocketResponse(
            protocols=(PROTOCOL,),
            timeout=CLOSE_SECONDS,
            autoping=False,
            autoclose=False,
            compress=False,
            max_msg_size=request.settings.max_body,
            decode_text=False,
        )
        check_handshake(request, ws)
        await ws.prepare(request.raw)
        try:
            await self._serve(request, ws)
        except Exception as error:  # noqa: BLE001 (the one table of failures decides)
            await _refuse(ws, refusal(refusal_of(request, error)))
        return ws

    async def _serve(self, request: Request, ws: web.WebSocketResponse[bool]) -> None:
        requester = await self._enter(request)
        wanted = await read_sync_request(request, requester, self.filters, 0)
        socket = Socket(self.work, requester, request.raw, ws)
        sockets = self.work.sockets
        sockets.add(socket)
        try:
            await socket.check()  # the session may have ended since `_enter`
            await socket.run(wanted)
        finally:
            sockets.remove(socket)

    async def _enter(self, request: Request) -> Requester:
        requester = await self.authenticator.authenticate(stream_token(request.headers))
        if requester.is_guest:
            raise GuestAccessForbiddenError("Guests may not do this")
        wait_ms = self.work.requests.limiter.check(requester.user_id, "stream_frames")
        if wait_ms is not None:
            raise LimitExceededError(wait_ms)
        return requester


async def _refuse(ws: web.WebSocketResponse[bool], bye: Bye) -> None:
    count_close(bye.code)
    with suppress(ConnectionError):
        await ws.send_frame(bye.last or b"", WSMsgType.TEXT)
    await ws.close(code=bye.code)


def stream_routes(stream: Stream) -> tuple[Route, ...]:
    """The one route of the stream."""
    doc = "Stream what /sync answers over a WebSocket, and take requests on it"
    return (Route("GET", PATH, stream, Auth.STREAM, doc=doc),)
