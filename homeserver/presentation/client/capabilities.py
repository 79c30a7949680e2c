"""`GET /_matrix/client/v3/capabilities`: what this server lets its users do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from homeserver.domain.rooms.versions import ROOM_VERSIONS
from homeserver.presentation.responses import json_bytes

if TYPE_CHECKING:
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response
    from homeserver.presentation.routing import Handler


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The facts behind the answer.

    A capability that the spec takes as enabled when it is absent must be listed as
    disabled as long as it does not exist here, so each has a field.
    """

    default_room_version: str = "12"
    change_password: bool = True
    set_displayname: bool = True
    set_avatar_url: bool = True
    change_3pid: bool = False
    login_token: bool = False

    def __post_init__(self) -> None:
        """Refuse a default room version in which no room can be created here."""
        version = ROOM_VERSIONS.get(self.default_room_version)
        if version is None or not version.creatable:
            msg = f"Rooms of version {self.default_room_version} cannot be created"
            raise ValueError(msg)

    def document(self) -> dict[str, Any]:
        """Give the response body."""
        creatable = {v.id: "stable" for v in ROOM_VERSIONS.values() if v.creatable}
        return {
            "capabilities": {
                "m.change_password": {"enabled": self.change_password},
                "m.room_versions": {
                    "default": self.default_room_version,
                    "available": creatable,
                },
                "m.set_displayname": {"enabled": self.set_displayname},
                "m.set_avatar_url": {"enabled": self.set_avatar_url},
                "m.3pid_changes": {"enabled": self.change_3pid},
                "m.get_login_token": {"enabled": self.login_token},
            }
        }


def capabilities_handler(capabilities: Capabilities) -> Handler:
    """Serve the document."""
    body = msgspec.json.encode(capabilities.document())

    async def get_capabilities(_request: Request) -> Response:
        """What users may do here."""
        return json_bytes(body)

    return get_capabilities
