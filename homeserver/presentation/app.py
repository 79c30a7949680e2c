"""The HTTP server: from a request to its route, through the gates, to an answer.

aiohttp's Application and its router are not used: the dispatcher sits on the low-level
server. The order of a request: find the route, authenticate, rate limit, handle; every
failure becomes JSON in `middleware/errors.py`.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING

from aiohttp import web

from homeserver.presentation.connection import Connection, ConnectionFactory
from homeserver.presentation.drain import Drain
from homeserver.presentation.middleware.authentication import token_gates
from homeserver.presentation.middleware.errors import CLIENT_CLOSED_REQUEST, failure_response
from homeserver.presentation.middleware.observe import NullObserver
from homeserver.presentation.middleware.rate_limits import enforce_limit
from homeserver.presentation.request import Request
from homeserver.presentation.responses import Response, preflight
from homeserver.presentation.routing import Auth, Route, Router
from homeserver.presentation.settings import HttpSettings

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Mapping
    from ssl import SSLContext

    from homeserver.application.ports.authenticator import (
        Authenticator,
        ServiceSessions,
        SessionCheck,
    )
    from homeserver.application.ports.rate_limiter import RateLimiter
    from homeserver.presentation.middleware.authentication import Gate
    from homeserver.presentation.middleware.observe import RequestObserver

_IN_FLIGHT_POLL_SECONDS = 0.02


class Dispatcher:
    """Answers requests; `active` counts those that it has not answered yet."""

    __slots__ = (
        "_gates",
        "_limiter",
        "_observer",
        "_router",
        "_sessions",
        "_settings",
        "active",
        "drain",
    )

    def __init__(
        self,
        routes: Iterable[Route],
        gates: Mapping[Auth, Gate],
        sessions: SessionCheck,
        limiter: RateLimiter,
        observer: RequestObserver,
        settings: HttpSettings,
    ) -> None:
        """Build the router; ValueError for a route whose kind of authentication has no gate."""
        routes = tuple(routes)
        for route in routes:
            if route.auth.gated and route.auth not in gates:
                msg = f"No gate for {route.auth} of {route.method} {route.path}"
                raise ValueError(msg)
        self._router = Router(routes)
        self._gates = gates
        self._sessions = sessions
        self._limiter = limiter
        self._observer = observer
        self._settings = settings
        self.drain = Drain()
        self.active = 0

    async def __call__(self, raw: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, whatever happens; only cancellation gets out."""
        if raw.method == "OPTIONS":
            return self._finish(preflight())
        started = perf_counter()
        request = Request(raw, self._settings, self.drain)
        status = CLIENT_CLOSED_REQUEST
        self.active += 1
        try:
            try:
                response = await self._handle(request, self._find_route(request))
            except Exception as error:  # noqa: BLE001 (the one table of failures decides)
                response = failure_response(request, error)
            status = response.status
            return self._finish(response)
        finally:
            self.active -= 1
            self._observer.end(request, status, perf_counter() - started)

    def _finish(self, response: web.StreamResponse) -> web.StreamResponse:
        if self.drain.draining:
            response.force_close()
        if isinstance(response, Response):
            response.send_stall_seconds = self._settings.send_stall_seconds
        return response

    def _find_route(self, request: Request) -> Route:
        try:
            route, request.params = self._router.match(request.method, request.path)
            request.route = route
            return route
        finally:  # unknown paths are observed too
            self._observer.begin(request)

    async def _handle(self, request: Request, route: Route) -> web.StreamResponse:
        if route.auth.gated:
            await self._gates[route.auth](request)
        if route.limit is not None:
            enforce_limit(self._limiter, request, route.limit)
        if not route.long_poll:
            return await route.handler(request)
        answer = await _handle_long_poll(request, route)
        requester = request.requester_if_any
        if requester is not None:  # the session may have ended while it waited
            await self._sessions.check_session(requester)
        return answer


async def _handle_long_poll(request: Request, route: Route) -> web.StreamResponse:
    connection = request.raw.protocol
    if request.raw.transport is None:
        raise ConnectionResetError("The client has gone")
    if not isinstance(connection, Connection):
        return await route.handler(request)
    connection.cancel_on_loss = connection.current_task()
    try:
        return await route.handler(request)
    finally:
        connection.cancel_on_loss = None


class HttpServer:
    """Listens, and stops without cutting anybody off.

    `port` is the TCP port listened on last (0 for none).
    """

    def __init__(self, dispatcher: Dispatcher, settings: HttpSettings) -> None:
        """Prepare; nothing listens yet. Must be called in the running loop."""
        self._dispatcher = dispatcher
        self._settings = settings
        self._connections = ConnectionFactory(
            dispatcher,
            keepalive_timeout=settings.keepalive_seconds,
            max_line_size=settings.max_request_line,
            max_field_size=settings.max_header,
            lingering_time=2.0,
        )
        self._runner = web.ServerRunner(self._connections, shutdown_timeout=1.0)
        self._is_set_up = False
        self.port = 0

    @property
    def drain(self) -> Drain:
        """The signal that long-polls and WebSockets wait for beside their data."""
        return self._dispatcher.drain

    @property
    def connection_count(self) -> int:
        """How many connections are open."""
        return len(self._connections.connections)

    async def listen(self, host: str, port: int, *, ssl_context: SSLContext | None = None) -> None:
        """Listen on an address; port 0 takes a free one. OSError where it is taken."""
        await self._set_up()
        backlog = self._settings.backlog
        site = web.TCPSite(self._runner, host, port, backlog=backlog, ssl_context=ssl_context)
        await site.start()
        self.port = site.port

    async def listen_on(self, sock: socket.socket) -> None:
        """Listen on a bound socket, for example one handed over by the supervisor."""
        await self._set_up()
        await web.SockSite(self._runner, sock, backlog=self._settings.backlog).start()

    async def stop(self) -> None:
        """Stop listening, wake long-polls, let requests finish, then close what is left.

        Takes `linger_seconds`, and up to `drain_seconds` more while requests are in flight.
        """
        loop = asyncio.get_running_loop()
        self.drain.begin()
        for site in self._runner.sites:
            await site.stop()
        await asyncio.sleep(self._settings.linger_seconds)
        deadline = loop.time() + self._settings.drain_seconds
        while self._dispatcher.active and loop.time() < deadline:  # noqa: ASYNC110 (only at the end)
            await asyncio.sleep(_IN_FLIGHT_POLL_SECONDS)
        await self._runner.cleanup()

    async def _set_up(self) -> None:
        if not self._is_set_up:
            await self._runner.setup()
            self._is_set_up = True


def build_server(
    routes: Iterable[Route],
    *,
    authenticator: Authenticator,
    limiter: RateLimiter,
    services: ServiceSessions | None = None,
    observer: RequestObserver | None = None,
    settings: HttpSettings | None = None,
    gates: Mapping[Auth, Gate] | None = None,
) -> HttpServer:
    """Put the server together; `gates` adds or replaces kinds of authentication."""
    settings = settings or HttpSettings()
    all_gates = {**token_gates(authenticator, services), **(gates or {})}
    observer = observer or NullObserver()
    sessions: SessionCheck = services if services is not None else authenticator
    dispatcher = Dispatcher(routes, all_gates, sessions, limiter, observer, settings)
    return HttpServer(dispatcher, settings)
