"""The WebSocket stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.infrastructure.telemetry.observer import RequestTelemetry
from homeserver.presentation.stream.requests import StreamRequests
from homeserver.presentation.stream.routes import Stream, stream_routes
from homeserver.presentation.stream.socket import Work
from homeserver.presentation.stream.sockets import Sockets

if TYPE_CHECKING:
    from homeserver.application.ports.authenticator import Authenticator, SessionCheck
    from homeserver.application.ports.rate_limiter import RateLimiter
    from homeserver.bootstrap.core import Core
    from homeserver.bootstrap.sync import SyncParts
    from homeserver.presentation.client.send import SendMessage
    from homeserver.presentation.routing import Route


@dataclass(frozen=True, slots=True)
class Sessions:
    """Who may open a socket, and who may keep it open."""

    authenticator: Authenticator
    check: SessionCheck


@dataclass(frozen=True, slots=True)
class StreamParts:
    """The route, and the sockets that are opened by it."""

    routes: tuple[Route, ...]
    sockets: Sockets


def build_stream(
    core: Core, sessions: Sessions, limiter: RateLimiter, send: SendMessage, sync: SyncParts
) -> StreamParts:
    """Wire it; `sockets.sessions_changed` is to hear of sessions that end."""
    sockets = Sockets(lambda: core.settings.current.limits.sockets_per_user)
    requests = StreamRequests(
        send=send,
        set_typing=sync.set_typing,
        mark_read=sync.mark_read,
        sessions=sessions.check,
        limiter=limiter,
        observer=RequestTelemetry(core.ids),
    )
    work = Work(sync.sync.answer, sync.sync.acknowledge, requests, sockets)
    stream = Stream(sessions.authenticator, sync.queries, work)
    return StreamParts(stream_routes(stream), sockets)
