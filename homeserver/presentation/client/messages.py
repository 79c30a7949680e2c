"""`GET /rooms/{roomId}/messages`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.rooms.get_messages import MessagesQuery
from homeserver.domain.shared.errors import InvalidParamError
from homeserver.domain.sync.filter import MAX_LIMIT
from homeserver.domain.sync.position import encode_position
from homeserver.presentation.client.rendering import filter_param, state_json, timeline_json
from homeserver.presentation.responses import json_bytes
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.rooms.get_messages import GetMessages
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

DIRECTIONS = ("b", "f")


def messages_routes(get_messages: GetMessages) -> tuple[Route, ...]:
    """The history of a room."""

    async def messages(request: Request) -> Response:
        """Page through a room's events."""
        page = await get_messages(request.requester, request.params["roomId"], _query(request))
        body = [b'{"chunk":', timeline_json(request, page.view, page.events, page.bundles)]
        if page.state:
            body += [b',"state":', state_json(page.state)]
        if page.end is not None:
            body.append(b',"end":"%b"' % encode_position(page.end).encode())
        body.append(b',"start":"%b"}' % encode_position(page.start).encode())
        return json_bytes(b"".join(body))

    path = "/_matrix/client/v3/rooms/{roomId}/messages"
    return (Route("GET", path, messages, Auth.GUEST, "reads", versions=("r0",)),)


def direction(request: Request) -> bool:
    """The required parameter `dir`: whether backwards. MissingParamError, InvalidParamError."""
    value = request.required_param("dir")
    if value not in DIRECTIONS:
        raise InvalidParamError("dir must be b or f")
    return value == "b"


def _query(request: Request) -> MessagesQuery:
    wanted = filter_param(request)
    return MessagesQuery(
        backwards=direction(request),
        start=request.param("from") or None,
        to=request.param("to") or None,
        limit=max(request.int_param("limit", wanted.page, 0, MAX_LIMIT), 1),
        filter=wanted,
    )
