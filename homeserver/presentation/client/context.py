"""`GET /rooms/{roomId}/context/{eventId}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.sync.filter import MAX_LIMIT
from homeserver.domain.sync.position import encode_position
from homeserver.presentation.client.rendering import filter_param, state_json, timeline_json
from homeserver.presentation.responses import json_bytes
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.rooms.get_context import GetContext
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

_BODY = b'{"start":"%b","events_before":%b,"event":%b,"events_after":%b,"state":%b,"end":"%b"}'


def context_routes(get_context: GetContext) -> tuple[Route, ...]:
    """What stands around an event."""

    async def context(request: Request) -> Response:
        """An event with what stands around it, and the state there."""
        wanted = filter_param(request)
        limit = request.int_param("limit", wanted.page, 0, MAX_LIMIT)
        params = request.params
        found = await get_context(
            request.requester, params["roomId"], params["eventId"], limit, wanted
        )
        view = found.view
        parts = (
            encode_position(found.start).encode(),
            timeline_json(request, view, found.before, found.bundles),
            timeline_json(request, view, [found.event], found.bundles)[1:-1],
            timeline_json(request, view, found.after, found.bundles),
            state_json(found.state),
            encode_position(found.end).encode(),
        )
        return json_bytes(_BODY % parts)

    path = "/_matrix/client/v3/rooms/{roomId}/context/{eventId}"
    return (Route("GET", path, context, Auth.GUEST, "reads", versions=("r0",)),)
