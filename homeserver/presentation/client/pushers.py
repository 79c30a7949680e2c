"""Pushers (Client-Server API, "Push Notifications")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.push.pusher import parse_kind, parse_pusher, parse_pusher_id
from homeserver.presentation.client.fields import flag
from homeserver.presentation.responses import empty_object, json_bytes
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from homeserver.application.push.pushers import Pushers
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response


def pusher_routes(
    pushers: Pushers, plain_hosts: Callable[[], Collection[str]] = tuple
) -> tuple[Route, ...]:
    """The requester's pushers; gateways at `plain_hosts` may be without TLS."""

    async def get_pushers(request: Request) -> Response:
        """One's pushers."""
        return json_bytes(b'{"pushers":%b}' % await pushers.list_of(request.requester.user_nid))

    async def set_pusher(request: Request) -> Response:
        """Add, replace or delete a pusher."""
        body = await request.json_object()
        named, append = parse_pusher_id(body), flag(body, "append")
        if parse_kind(body) is None:
            await pushers.delete(request.requester.user_nid, named)
        else:
            await pushers.put(request.requester, parse_pusher(body, plain_hosts()), append=append)
        return empty_object()

    base = "/_matrix/client/v3/pushers"
    return (
        Route("GET", base, get_pushers, Auth.USER, "reads", ("r0",)),
        Route("POST", f"{base}/set", set_pusher, Auth.USER, "messages", ("r0",)),
    )
