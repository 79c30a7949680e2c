"""An event as clients see it."""

from __future__ import annotations

from typing import Any

import msgspec

SPOKEN = ("m.text", "m.emote")


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Anything with a type and a content; what a kind of event lacks is empty.

    A message to a device has an id that this client made up, and no room.
    `origin_server_ts` is in milliseconds; `state_key` is None but for state events. Events in
    invitations are stripped: they have no id and no time.
    """

    type: str
    content: dict[str, Any]
    sender: str = ""
    event_id: str = ""
    room_id: str = ""
    origin_server_ts: int = 0
    state_key: str | None = None
    redacts: str = ""
    unsigned: dict[str, Any] = {}

    @property
    def body(self) -> str:
        """The plain text of a message of any kind; else empty."""
        body = self.content.get("body") if self.type == "m.room.message" else None
        return body if isinstance(body, str) else ""

    @property
    def text(self) -> str:
        """What somebody said: the body of a text or emote; empty for notices and edits."""
        if self.content.get("msgtype") not in SPOKEN or self.relation[0] == "m.replace":
            return ""
        return self.body

    @property
    def relation(self) -> tuple[str, str]:
        """Type and target of `m.relates_to`; both empty where there is none."""
        found = self.content.get("m.relates_to")
        if not isinstance(found, dict):
            return "", ""
        return str(found.get("rel_type", "")), str(found.get("event_id", ""))

    @property
    def membership(self) -> str:
        """The membership that a member event states; else empty."""
        value = self.content.get("membership") if self.type == "m.room.member" else None
        return value if isinstance(value, str) else ""

    @property
    def former_membership(self) -> str:
        """The membership that it replaced, where the server says so; else empty."""
        former = self.unsigned.get("prev_content")
        value = former.get("membership") if isinstance(former, dict) else None
        return value if isinstance(value, str) else ""

    @property
    def transaction_id(self) -> str:
        """The transaction id under which this device sent it; else empty."""
        value = self.unsigned.get("transaction_id")
        return value if isinstance(value, str) else ""

    def placed(self, room_id: str) -> Event:
        """The same in its room: /sync leaves the room's id out."""
        return self if self.room_id else msgspec.structs.replace(self, room_id=room_id)
