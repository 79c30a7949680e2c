"""`/rooms/{roomId}/hierarchy`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.rooms.walk_space import MAX_DEPTH, SpaceQuery
from homeserver.presentation.responses import json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.rooms.walk_space import WalkSpace
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

PAGE = 50
MAX_PAGE = 100


def space_routes(walk_space: WalkSpace) -> tuple[Route, ...]:
    """The tree of a space."""

    async def hierarchy(request: Request) -> Response:
        """The rooms of a space and of the spaces in it."""
        given = request.query
        suggested = request.flag("suggested_only") if "suggested_only" in given else None
        depth = request.int_param("max_depth", 0, 0, MAX_DEPTH) if "max_depth" in given else None
        query = SpaceQuery(
            limit=request.int_param("limit", PAGE, 1, MAX_PAGE),
            suggested_only=suggested,
            max_depth=depth,
            start=request.param("from") or None,
        )
        page = await walk_space(request.requester, request.params["roomId"], query)
        return json_response(page)

    path = "/_matrix/client/v1/rooms/{roomId}/hierarchy"
    return (Route("GET", path, hierarchy, Auth.USER, "reads"),)
