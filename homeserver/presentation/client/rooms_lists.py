"""`GET /joined_rooms` and `GET /mutual_rooms`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.presentation.responses import json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.rooms.joined_rooms import JoinedRooms
    from homeserver.application.rooms.mutual_rooms import ListMutualRooms
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

_MUTUAL = "/_matrix/client/v1/mutual_rooms"
_OLD_MUTUAL = "/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms"
"""MSC2666, as clients ask that do not know v1.19 yet."""


def rooms_list_routes(
    joined_rooms: JoinedRooms, mutual_rooms: ListMutualRooms
) -> tuple[Route, ...]:
    """The requester's rooms, and those that another user is in too."""

    async def joined(request: Request) -> Response:
        """The rooms one is in."""
        return json_response({"joined_rooms": await joined_rooms(request.requester)})

    async def mutual(request: Request) -> Response:
        """The rooms that one shares with another user."""
        user_id = request.required_param("user_id")
        found = await mutual_rooms(request.requester, user_id, request.param("from") or None)
        body = {"joined": found.joined, "count": found.total}
        return json_response(body if found.next is None else {**body, "next_batch": found.next})

    path = "/_matrix/client/v3/joined_rooms"
    return (
        Route("GET", path, joined, Auth.USER, "reads", versions=("r0",)),
        *(Route("GET", path, mutual, Auth.USER, "reads") for path in (_MUTUAL, _OLD_MUTUAL)),
    )
