"""`PUT /rooms/{roomId}/state/{eventType}/{stateKey}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.rooms.compose import NewEvent
from homeserver.presentation.client.delayed_events import wanted_delay
from homeserver.presentation.client.massaging import timed_requester
from homeserver.presentation.responses import json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.delayed.schedule import ScheduleEvent
    from homeserver.application.rooms.send_state import SendState
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

_PATH = "/_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey?}"


def state_event_routes(send_state: SendState, schedule: ScheduleEvent) -> tuple[Route, ...]:
    """The one route of this endpoint; an empty state key may be left out; see `send_routes`."""

    async def put_state(request: Request) -> Response:
        """Set state of a room."""
        content = await request.json_object()
        params, delay_ms = request.params, wanted_delay(request)
        if delay_ms is not None:
            new = NewEvent(params["eventType"], content, params["stateKey"])
            delay_id = await schedule(request.requester, params["roomId"], new, delay_ms)
            return json_response({"delay_id": delay_id})
        event_id = await send_state(
            timed_requester(request),
            params["roomId"],
            params["eventType"],
            params["stateKey"],
            content,
        )
        return json_response({"event_id": event_id})

    return (Route("PUT", _PATH, put_state, Auth.GUEST, limit="messages", versions=("r0",)),)
