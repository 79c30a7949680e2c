"""Who may do what in a room: the levels that hold under one `m.room.power_levels` event.

Client-server API, `m.room.power_levels`; room versions 6-9 take integers in strings too
(`fragments/v1-stringy-power-levels.md`); version 12 gives the creators infinite power.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.versions import RoomVersion
    from homeserver.domain.shared.json import Json, JsonObject

# An integer, or infinity for the creators of a version 12 room.
Level = int | float

INFINITE: Final = math.inf
CREATOR_LEVEL_WITHOUT_EVENT: Final = 100
DEFAULT_LEVELS: Final[Mapping[str, int]] = {
    "users_default": 0,
    "events_default": 0,
    "state_default": 50,
    "ban": 50,
    "redact": 50,
    "kick": 50,
    "invite": 0,
}
_DEFAULT_NOTIFICATION_LEVEL = 50
_MAX = 2**53 - 1
_INTEGER_TEXT = re.compile(r"\s*([+-]?)0*([0-9]{1,16})\s*")


def read_level(version: RoomVersion, value: Json) -> int | None:
    """Return `value` as a level, or None where this room version does not take it as one."""
    if type(value) is int:
        return value if -_MAX <= value <= _MAX else None
    if version.integer_power_levels or not isinstance(value, str):
        return None
    match = _INTEGER_TEXT.fullmatch(value)
    if match is None:
        return None
    level = int(match[1] + match[2])
    return level if -_MAX <= level <= _MAX else None


def read_levels(version: RoomVersion, value: Json) -> dict[str, int]:
    """Return the entries of a level map (`users`, `events` …) that are levels."""
    if not isinstance(value, Mapping):
        return {}
    levels = ((key, read_level(version, level)) for key, level in value.items())
    return {key: level for key, level in levels if level is not None}


def room_creator(version: RoomVersion, create: Event) -> str | None:
    """Return the user who made the room: `content.creator` before version 11, then the sender."""
    if not version.creator_in_create_content:
        return create.sender
    creator = create.content.get("creator")
    return creator if isinstance(creator, str) else None


def privileged_creators(version: RoomVersion, create: Event) -> frozenset[str]:
    """Return the users of infinite power: none before version 12 (MSC4289)."""
    if not version.privileged_creators:
        return frozenset()
    additional = create.content.get("additional_creators")
    others = additional if isinstance(additional, list) else []
    return frozenset({create.sender, *(user for user in others if isinstance(user, str))})


@dataclass(frozen=True, slots=True)
class PowerLevels:
    """The levels of one room state, parsed once; keep it for as long as its two events hold.

    `users` holds the explicit levels and, in version 12, infinity for each creator.
    """

    users: Mapping[str, Level]
    events: Mapping[str, int]
    notifications: Mapping[str, int]
    users_default: int
    events_default: int
    state_default: int
    invite: int
    kick: int
    ban: int
    redact: int

    @classmethod
    def of(cls, version: RoomVersion, create: Event, power_levels: Event | None) -> PowerLevels:
        """Read the levels that hold under these two state events.

        Values that are no levels in this version count as absent.
        """
        content: JsonObject = power_levels.content if power_levels is not None else {}
        users: dict[str, Level] = {**read_levels(version, content.get("users"))}
        creator = room_creator(version, create)
        if power_levels is None and creator is not None:
            users[creator] = CREATOR_LEVEL_WITHOUT_EVENT
        users.update(dict.fromkeys(privileged_creators(version, create), INFINITE))
        return cls(
            users=users,
            events=read_levels(version, content.get("events")),
            notifications=read_levels(version, content.get("notifications")),
            **{key: _level_or(version, content, key) for key in DEFAULT_LEVELS},
        )

    def of_user(self, user_id: str) -> Level:
        """Return the level of a user."""
        return self.users.get(user_id, self.users_default)

    def to_send(self, event_type: str, *, is_state: bool) -> int:
        """Return the level that sending this type of event requires."""
        default = self.state_default if is_state else self.events_default
        return self.events.get(event_type, default)

    def to_notify(self, key: str) -> int:
        """Return the level that a notification of this kind (`room`) requires."""
        return self.notifications.get(key, _DEFAULT_NOTIFICATION_LEVEL)

    def may_send(self, user_id: str, event_type: str, *, is_state: bool) -> bool:
        """Whether the user's level suffices for this type of event."""
        return self.of_user(user_id) >= self.to_send(event_type, is_state=is_state)

    def may_redact_others(self, user_id: str) -> bool:
        """Whether the user may have events of other servers' users redacted."""
        return self.of_user(user_id) >= self.redact


def _level_or(version: RoomVersion, content: JsonObject, key: str) -> int:
    level = read_level(version, content.get(key))
    return DEFAULT_LEVELS[key] if level is None else level
