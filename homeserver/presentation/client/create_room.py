"""`POST /createRoom`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.rooms.presets import CreateRoomRequest, NewState
from homeserver.domain.shared.canonical_json import check_canonical
from homeserver.domain.shared.errors import BadJsonError, InvalidParamError, ServerNotTrustedError
from homeserver.presentation.client.fields import flag, list_of, object_of, required_text, text
from homeserver.presentation.client.membership import NO_IDENTITY_SERVER
from homeserver.presentation.responses import json_response
from homeserver.presentation.routing import Route

if TYPE_CHECKING:
    from homeserver.application.rooms.create_room import CreateRoom
    from homeserver.domain.shared.json import Json, JsonObject
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

_VISIBILITIES = ("private", "public")


def create_room_routes(create_room: CreateRoom) -> tuple[Route, ...]:
    """The one route of this endpoint."""

    async def post_create_room(request: Request) -> Response:
        """Make a room."""
        body = await request.json_object()
        wanted, version = parse_create_room(body)
        room_id = await create_room(request.requester, wanted, version)
        return json_response({"room_id": room_id})

    path = "/_matrix/client/v3/createRoom"
    return (Route("POST", path, post_create_room, limit="rooms", versions=("r0",)),)


def parse_create_room(body: JsonObject) -> tuple[CreateRoomRequest, str | None]:
    """Read the body: the request and the room version asked for.

    Raises BadJsonError for a field of the wrong type, InvalidParamError for a visibility
    that does not exist, ServerNotTrustedError for invitations by e-mail.
    """
    check_canonical(body)
    visibility = text(body, "visibility") or "private"
    if visibility not in _VISIBILITIES:
        raise InvalidParamError("visibility must be private or public")
    if list_of(body, "invite_3pid"):
        raise ServerNotTrustedError(NO_IDENTITY_SERVER)
    request = CreateRoomRequest(
        preset=text(body, "preset"),
        visibility=visibility,
        name=text(body, "name"),
        topic=text(body, "topic"),
        invite=tuple(dict.fromkeys(_user_ids(body))),
        initial_state=tuple(_state(item) for item in list_of(body, "initial_state")),
        is_direct=flag(body, "is_direct"),
        creation_content=object_of(body, "creation_content"),
        power_level_content_override=object_of(body, "power_level_content_override"),
        room_alias_name=text(body, "room_alias_name"),
    )
    return request, text(body, "room_version")


def _user_ids(body: JsonObject) -> list[str]:
    listed = list_of(body, "invite")
    if not all(isinstance(user, str) for user in listed):
        raise BadJsonError("invite must be a list of user ids")
    return listed


def _state(item: Json) -> NewState:
    if not isinstance(item, dict) or "content" not in item:
        raise BadJsonError("initial_state must be a list of events with type and content")
    return NewState(
        required_text(item, "type"), text(item, "state_key") or "", object_of(item, "content")
    )
