"""What a room shows of itself to those outside: in the directory, in a summary, in a space.

Client-server API, `PublishedRoomsChunk` and `RoomSummary`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from homeserver.domain.rooms.join_rules import join_rule_of, rooms_that_admit
from homeserver.domain.rooms.visibility import WORLD_READABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import StateKey
    from homeserver.domain.rooms.versions import RoomVersion
    from homeserver.domain.shared.json import JsonObject

    FindState = Callable[[str, str], Event | None]

SUMMARY_TYPES: Final = frozenset(
    {
        "m.room.avatar",
        "m.room.canonical_alias",
        "m.room.create",
        "m.room.encryption",
        "m.room.guest_access",
        "m.room.history_visibility",
        "m.room.join_rules",
        "m.room.name",
        "m.room.topic",
    }
)
"""State (with an empty key) that a summary is made of."""
SPACE: Final = "m.space"
PLAIN_TEXT: Final = "text/plain"


def is_in_summary(key: StateKey) -> bool:
    """Whether this part of a room's state shows in its summary."""
    return not key[1] and key[0] in SUMMARY_TYPES


@dataclass(frozen=True, slots=True)
class RoomSummary:
    """A room as strangers may see it; None where it has no such thing.

    `allowed_room_ids` are the rooms whose members a restricted room admits.
    """

    room_id: str
    room_version: str
    joined: int
    join_rule: str
    world_readable: bool
    guest_can_join: bool
    name: str | None
    topic: str | None
    canonical_alias: str | None
    avatar_url: str | None
    room_type: str | None
    encryption: str | None
    allowed_room_ids: tuple[str, ...]

    @property
    def is_space(self) -> bool:
        """Whether the room is a space."""
        return self.room_type == SPACE

    def chunk(self) -> dict[str, Any]:
        """The object `PublishedRoomsChunk`."""
        texts = {
            "name": self.name,
            "topic": self.topic,
            "canonical_alias": self.canonical_alias,
            "avatar_url": self.avatar_url,
            "room_type": self.room_type,
        }
        return {
            "room_id": self.room_id,
            "num_joined_members": self.joined,
            "join_rule": self.join_rule,
            "world_readable": self.world_readable,
            "guest_can_join": self.guest_can_join,
            **{name: text for name, text in texts.items() if text is not None},
        }

    def full(self) -> dict[str, Any]:
        """The object `RoomSummary`."""
        found = {**self.chunk(), "room_version": self.room_version}
        if self.encryption is not None:
            found["encryption"] = self.encryption
        if self.allowed_room_ids:
            found["allowed_room_ids"] = list(self.allowed_room_ids)
        return found


def summarise(room_id: str, version: RoomVersion, state: FindState, joined: int) -> RoomSummary:
    """Describe a room by its state, given as a function of type and state key."""

    def content(event_type: str) -> JsonObject:
        event = state(event_type, "")
        return event.content if event is not None else {}

    rules = content("m.room.join_rules")
    seen = content("m.room.history_visibility").get("history_visibility")
    return RoomSummary(
        room_id=room_id,
        room_version=version.id,
        joined=joined,
        join_rule=join_rule_of(rules),
        world_readable=seen == WORLD_READABLE,
        guest_can_join=content("m.room.guest_access").get("guest_access") == "can_join",
        name=_text(content("m.room.name"), "name"),
        topic=_plain_topic(content("m.room.topic")),
        canonical_alias=_text(content("m.room.canonical_alias"), "alias"),
        avatar_url=_text(content("m.room.avatar"), "url"),
        room_type=_text(content("m.room.create"), "type"),
        encryption=_text(content("m.room.encryption"), "algorithm"),
        allowed_room_ids=rooms_that_admit(version, rules),
    )


def _text(content: JsonObject, field: str) -> str | None:
    """A text that says something."""
    value = content.get(field)
    return value if isinstance(value, str) and value else None


def _plain_topic(content: JsonObject) -> str | None:
    """The topic in plain text; None where it has other forms only (`m.topic`, v1.15)."""
    block = content.get("m.topic")
    forms = block.get("m.text") if isinstance(block, dict) else None
    if not isinstance(forms, list) or not forms:
        return _text(content, "topic")
    for form in forms:
        if isinstance(form, dict) and form.get("mimetype", PLAIN_TEXT) == PLAIN_TEXT:
            return _text(form, "body")
    return None
