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


def capabilities(
    default_room_version: str, delays: DelayLimits | None = None, *, is_admin: bool = False
) -> dict[str, Any]:
    """Give the response body for a user.

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
            **({"m.account_moderation": {"lock": True}} if is_admin else {}),
            **({} if delays is None else {DELAYED_EVENTS: asdict(delays)}),
        }
    }


def capabilities_handler(
    default_room_version: Callable[[], str], delays: Callable[[], DelayLimits | None]
) -> Handler:
    """Serve the document; what it is made of are settings that may change."""

    async def get_capabilities(request: Request) -> Response:
        """What users may do here."""
        is_admin = request.requester.is_admin
        return json_response(capabilities(default_room_version(), delays(), is_admin=is_admin))

    return get_capabilities
