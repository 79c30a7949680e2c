"""`GET /_matrix/client/v3/capabilities`: what this server lets its users do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.domain.rooms.versions import ROOM_VERSIONS
from homeserver.presentation.responses import json_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response
    from homeserver.presentation.routing import Handler


def capabilities(default_room_version: str) -> dict[str, Any]:
    """Give the response body.

    A capability that the spec takes as enabled when it is absent must be listed as disabled
    as long as it does not exist here.
    """
    creatable = {v.id: "stable" for v in ROOM_VERSIONS.values() if v.creatable}
    return {
        "capabilities": {
            "m.change_password": {"enabled": True},
            "m.room_versions": {"default": default_room_version, "available": creatable},
            "m.profile_fields": {"enabled": True},
            "m.set_displayname": {"enabled": True},
            "m.set_avatar_url": {"enabled": True},
            "m.3pid_changes": {"enabled": False},
            "m.get_login_token": {"enabled": False},
        }
    }


def capabilities_handler(default_room_version: Callable[[], str]) -> Handler:
    """Serve the document; the default room version is a setting that may change."""

    async def get_capabilities(_request: Request) -> Response:
        """What users may do here."""
        return json_response(capabilities(default_room_version()))

    return get_capabilities
