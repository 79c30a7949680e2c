"""`GET /_matrix/client/v3/capabilities`: what this server lets its users do."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from homeserver.domain.rooms.versions import ROOM_VERSIONS
from homeserver.presentation.responses import json_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.delayed.schedule import DelayLimits
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response
    from homeserver.presentation.routing import Handler

DELAYED_EVENTS: Final = "org.matrix.msc4140.delayed_events"


def capabilities(default_room_version: str, delays: DelayLimits | None = None) -> dict[str, Any]:
    """Give the response body.

    A capability that the spec takes as enabled when it is absent must be listed as disabled
    as long as it does not exist here. `delays` are the limits of delayed events (MSC4140).
    """
    available = dict.fromkeys(ROOM_VERSIONS, "stable")
    return {
        "capabilities": {
            "m.change_password": {"enabled": True},
            "m.room_versions": {"default": default_room_version, "available": available},
            "m.profile_fields": {"enabled": True},
            "m.set_displayname": {"enabled": True},
            "m.set_avatar_url": {"enabled": True},
            "m.3pid_changes": {"enabled": False},
            "m.get_login_token": {"enabled": False},
            **({} if delays is None else {DELAYED_EVENTS: asdict(delays)}),
        }
    }


def capabilities_handler(
    default_room_version: Callable[[], str], delays: Callable[[], DelayLimits | None]
) -> Handler:
    """Serve the document; what it is made of are settings that may change."""

    async def get_capabilities(_request: Request) -> Response:
        """What users may do here."""
        return json_response(capabilities(default_room_version(), delays()))

    return get_capabilities
