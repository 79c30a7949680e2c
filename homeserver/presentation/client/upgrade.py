"""`/rooms/{roomId}/upgrade`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import BadJsonError
from homeserver.presentation.client.fields import list_of, required_text
from homeserver.presentation.responses import json_response
from homeserver.presentation.routing import Route

if TYPE_CHECKING:
    from homeserver.application.rooms.upgrade_room import UpgradeRoom
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response


def upgrade_routes(upgrade_room: UpgradeRoom) -> tuple[Route, ...]:
    """The one route of this endpoint."""

    async def upgrade(request: Request) -> Response:
        """Replace a room by one of another version."""
        body = await request.json_object()
        version = required_text(body, "new_version")
        creators = list_of(body, "additional_creators")
        if not all(isinstance(user, str) for user in creators):
            raise BadJsonError("additional_creators must be a list of user ids")
        room_id = request.params["roomId"]
        new = await upgrade_room(
            request.requester, room_id, version, tuple(dict.fromkeys(creators))
        )
        return json_response({"replacement_room": new})

    path = "/_matrix/client/v3/rooms/{roomId}/upgrade"
    return (Route("POST", path, upgrade, limit="rooms", versions=("r0",)),)
