"""`GET /joined_rooms`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.presentation.responses import json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.rooms.joined_rooms import JoinedRooms
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response


def rooms_list_routes(joined_rooms: JoinedRooms) -> tuple[Route, ...]:
    """The requester's rooms."""

    async def joined(request: Request) -> Response:
        """The rooms one is in."""
        return json_response({"joined_rooms": await joined_rooms(request.requester)})

    path = "/_matrix/client/v3/joined_rooms"
    return (Route("GET", path, joined, Auth.USER, "reads", versions=("r0",)),)
