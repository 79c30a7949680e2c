"""`GET /rooms/{roomId}/state` and `…/state/{eventType}/{stateKey}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.shared.canonical_json import encode_canonical
from homeserver.presentation.client.rendering import (
    state_event_json,
    state_json,
    timeline_json,
)
from homeserver.presentation.responses import json_bytes
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.rooms.get_state import GetState
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

_PATH = "/_matrix/client/v3/rooms/{roomId}/state"
_FORMATS = ("content", "event")


def room_state_routes(get_state: GetState) -> tuple[Route, ...]:
    """The state of a room."""

    async def whole(request: Request) -> Response:
        """The whole state of a room."""
        events = await get_state.whole(request.requester, request.params["roomId"])
        return json_bytes(state_json(events))

    async def one(request: Request) -> Response:
        """One state event's content, or the event."""
        params = request.params
        shape = request.choice("format", _FORMATS, "content")
        key = (params["eventType"], params["stateKey"])
        requester, room_id = request.requester, params["roomId"]
        if shape == "content":
            event = await get_state.one(requester, room_id, key)
            return json_bytes(encode_canonical(event.content))
        view, event, item = await get_state.placed(requester, room_id, key)
        if item is None:
            return json_bytes(state_event_json(event))
        return json_bytes(timeline_json(request, view, [item])[1:-1])

    keyed = f"{_PATH}/{{eventType}}/{{stateKey?}}"
    return (
        Route("GET", _PATH, whole, Auth.GUEST, "reads", versions=("r0",)),
        Route("GET", keyed, one, Auth.GUEST, "reads", versions=("r0",)),
    )
