"""Single events of a room: by id, and by time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import InvalidParamError
from homeserver.presentation.client.messages import direction
from homeserver.presentation.client.rendering import timeline_json
from homeserver.presentation.responses import json_bytes, json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.rooms.event_at_time import EventAtTime
    from homeserver.application.rooms.get_event import GetEvent
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

_ROOM = "/_matrix/client/v3/rooms/{roomId}"
_LATEST = (1 << 53) - 1


def room_event_routes(get_event: GetEvent, event_at_time: EventAtTime) -> tuple[Route, ...]:
    """One event of a room."""

    async def event(request: Request) -> Response:
        """One event of a room."""
        params = request.params
        view, item, bundles = await get_event(
            request.requester, params["roomId"], params["eventId"]
        )
        return json_bytes(timeline_json(request, view, [item], bundles)[1:-1])

    async def at_time(request: Request) -> Response:
        """The event closest to a point in time."""
        if not request.required_param("ts"):
            raise InvalidParamError("ts must be an integer")
        found = await event_at_time(
            request.requester,
            request.params["roomId"],
            request.int_param("ts", 0, 0, _LATEST),
            backwards=direction(request),
        )
        answer = found.event
        return json_response(
            {"event_id": answer.event_id, "origin_server_ts": answer.origin_server_ts}
        )

    by_id, by_time = f"{_ROOM}/event/{{eventId}}", f"{_ROOM}/timestamp_to_event"
    return (
        Route("GET", by_id, event, Auth.GUEST, "reads", versions=("r0",)),
        Route("GET", by_time.replace("v3", "v1"), at_time, Auth.USER, "reads"),
    )
