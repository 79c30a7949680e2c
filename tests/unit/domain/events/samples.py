"""Sample events for the tests of this package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.domain.events.build import build_event
from homeserver.domain.rooms.versions import ROOM_VERSIONS

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event

PARENT = "$" + "A" * 43
HASH_ROOM = "!" + "B" * 42 + "A"


def message(version: str = "11", **changes: Any) -> Event:
    """Build a text message, with some arguments changed."""
    arguments: dict[str, Any] = {
        "room_id": HASH_ROOM if version == "12" else "!room:example.org",
        "sender": "@alice:example.org",
        "type": "m.room.message",
        "state_key": None,
        "content": {"msgtype": "m.text", "body": "Wherefore art thou Romeo?"},
        "origin_server_ts": 1_700_000_000_000,
        "depth": 7,
        "auth_events": [PARENT],
        "prev_events": [PARENT],
    }
    return build_event(ROOM_VERSIONS[version], **(arguments | changes))
