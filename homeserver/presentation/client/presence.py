"""Presence (Client-Server API, "Presence")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.presentation.client.fields import required_text, text
from homeserver.presentation.responses import empty_object, json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.presence.presence_status import PresenceStatus
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response


def presence_routes(status: PresenceStatus) -> tuple[Route, ...]:
    """`/presence/{userId}/status`."""

    async def put_status(request: Request) -> Response:
        """Say whether one is online, and how one is."""
        body = await request.json_object()
        state, status_msg = required_text(body, "presence"), text(body, "status_msg")
        await status.put(request.requester, request.params["userId"], state, status_msg)
        return empty_object()

    async def get_status(request: Request) -> Response:
        """How a user is who shares a room."""
        return json_response(await status.get(request.requester, request.params["userId"]))

    path = "/_matrix/client/v3/presence/{userId}/status"
    return (
        Route("GET", path, get_status, Auth.USER, "reads", ("r0",)),
        Route("PUT", path, put_status, Auth.USER, "presence", ("r0",)),
    )
