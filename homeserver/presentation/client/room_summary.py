"""`/room_summary/{roomIdOrAlias}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.presentation.responses import json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.rooms.get_summary import GetSummary
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

_PATH = "/_matrix/client/v1/room_summary/{roomIdOrAlias}"
_UNSTABLE = "/_matrix/client/unstable/im.nheko.summary/summary/{roomIdOrAlias}"
"""MSC3266, as clients ask that do not know v1.15 yet."""


def room_summary_routes(get_summary: GetSummary) -> tuple[Route, ...]:
    """A room as those see it who are not in it."""

    async def summary(request: Request) -> Response:
        """What a room shows of itself."""
        room = request.params["roomIdOrAlias"]
        return json_response(await get_summary(request.requester_if_any, room))

    return tuple(Route("GET", path, summary, Auth.OPTIONAL, "reads") for path in (_PATH, _UNSTABLE))
