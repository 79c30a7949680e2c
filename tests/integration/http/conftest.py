"""A real server on a real port, with routes that a test chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from homeserver.application.ports.rate_limiter import Limit
from homeserver.application.requester import Requester
from homeserver.domain.shared.errors import UnknownTokenError
from homeserver.infrastructure.embedded.rate_limiter import MemoryRateLimiter
from homeserver.presentation.app import build_server
from homeserver.presentation.responses import json_response
from homeserver.presentation.routing import Auth, Route
from homeserver.presentation.settings import HttpSettings
from tests.support.wire import Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response


class TwoUsers:
    """Knows the tokens of Alice, of a guest and of an administrator."""

    async def authenticate(self, token: str) -> Requester:
        """Give one of them."""
        if token == "alice-token":
            return Requester("@alice:test", 1, "A", 1)
        if token == "guest-token":
            return Requester("@guest:test", 2, "G", 2, is_guest=True)
        if token == "admin-token":
            return Requester("@admin:test", 3, "D", 3, is_admin=True)
        raise UnknownTokenError("Unknown token")

    async def check_session(self, requester: Requester) -> None:
        """Sessions never end here."""

    async def authenticate_to_log_out(self, token: str) -> Requester:
        """Nobody is locked here."""
        return await self.authenticate(token)


async def echo(request: Request) -> Response:
    """Answer with all that was understood."""
    who = request.requester_if_any
    return json_response(
        {
            "method": request.method,
            "label": request.label,
            "params": request.params,
            "query": request.query,
            "user": who.user_id if who else None,
        }
    )


async def take_object(request: Request) -> Response:
    """Answer with the object that came."""
    return json_response({"got": await request.json_object()})


async def take_optional(request: Request) -> Response:
    """Answer with the object that came, or not."""
    return json_response({"got": await request.json_object(optional=True)})


async def fail(request: Request) -> Response:
    """Break."""
    msg = "a secret of the implementation"
    raise ZeroDivisionError(msg)


ROUTES = (
    Route("GET", "/_matrix/client/v3/rooms/{roomId}/messages", echo, versions=("r0", "v1")),
    Route("PUT", "/_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey?}", echo),
    Route("GET", "/open/{name}", echo, Auth.NONE),
    Route("GET", "/maybe", echo, Auth.OPTIONAL),
    Route("GET", "/guests", echo, Auth.GUEST),
    Route("GET", "/admins", echo, Auth.ADMIN),
    Route("GET", "/limited", echo, Auth.NONE, limit="slow"),
    Route("GET", "/limited/users", echo, limit="slow"),
    Route("POST", "/object", take_object, Auth.NONE),
    Route("POST", "/optional", take_optional, Auth.NONE),
    Route("POST", "/small", take_object, Auth.NONE, max_body=100),
    Route("GET", "/fail", fail, Auth.NONE),
)


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[Site]]]:
    """Start servers; they and their connections are gone at the end of the test."""
    sites: list[Site] = []

    async def start(*routes: Route, settings: HttpSettings | None = None, **more: Any) -> Site:
        more.setdefault("limiter", MemoryRateLimiter({"slow": Limit(0.5, 2)}))
        server = build_server(
            routes or ROUTES,
            authenticator=TwoUsers(),
            settings=settings or HttpSettings(linger_seconds=0.0, drain_seconds=2.0),
            **more,
        )
        await server.listen("127.0.0.1", 0)
        sites.append(Site(server))
        return sites[-1]

    yield start
    for site in sites:
        for wire in site.wires:
            wire.writer.close()
        await site.server.stop()  # also where a test has done so


@pytest.fixture
def auth() -> dict[str, str]:
    """Alice's header."""
    return {"Authorization": "Bearer alice-token"}
