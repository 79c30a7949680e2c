"""`GET /_firn/client/v1/stream`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import GuestAccessForbiddenError, LimitExceededError
from homeserver.infrastructure.telemetry.metrics import count_close
from homeserver.presentation.middleware.errors import refusal_of
from homeserver.presentation.routing import Auth, Route
from homeserver.presentation.stream.handshake import PROTOCOL, check_handshake, stream_token
from homeserver.presentation.stream.session import refusal
from homeserver.presentation.stream.socket import Socket, Work
from homeserver.presentation.stream.wire import Upgraded, upgrade

if TYPE_CHECKING:
    from aiohttp.web import StreamResponse

    from homeserver.application.ports.authenticator import Authenticator
    from homeserver.application.requester import Requester
    from homeserver.application.sync.context import SyncRequest
    from homeserver.presentation.client.sync import SyncQueries
    from homeserver.presentation.request import Request
    from homeserver.presentation.stream.wire import Wire

PATH = "/_firn/client/v1/stream"


@dataclass(frozen=True, slots=True)
class Stream:
    """Opens sockets."""

    authenticator: Authenticator
    queries: SyncQueries
    work: Work

    async def __call__(self, request: Request) -> StreamResponse:
        """Take the connection over; all that follows happens in a task of the socket's own."""
        check_handshake(request)
        wire = upgrade(request, PROTOCOL)
        self.work.sockets.spawn(self._serve(request, wire))
        return Upgraded()

    async def _serve(self, request: Request, wire: Wire) -> None:
        try:
            socket, wanted = await self._open(request, wire)
        except Exception as error:  # noqa: BLE001 (the one table of failures decides)
            bye = refusal(refusal_of(request, error))
            count_close(bye.code)
            wire.close(bye.code, bye.last)
            return
        del request  # a socket lives long: nothing of the handshake is kept
        await socket.check()  # the session may have ended since `_enter`
        await socket.follow(wanted)

    async def _open(self, request: Request, wire: Wire) -> tuple[Socket, SyncRequest]:
        requester = await self._enter(request)
        wanted = await self.queries.read(request, requester, 0)
        self.work.sockets.make_room(requester.user_nid)
        socket = Socket(self.work, requester, wire)
        self.work.sockets.add(socket)
        wire.attach(socket)
        return socket, wanted

    async def _enter(self, request: Request) -> Requester:
        requester = await self.authenticator.authenticate(stream_token(request.headers))
        if requester.is_guest:
            raise GuestAccessForbiddenError("Guests may not do this")
        wait_ms = self.work.requests.limiter.check(requester.user_id, "stream_frames")
        if wait_ms is not None:
            raise LimitExceededError(wait_ms)
        return requester


def stream_routes(stream: Stream) -> tuple[Route, ...]:
    """The one route of the stream."""
    doc = "Stream what /sync answers over a WebSocket, and take requests on it"
    return (Route("GET", PATH, stream, Auth.STREAM, doc=doc),)
