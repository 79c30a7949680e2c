"""The first events of a room that replaces another (client-server API, "Room Upgrades")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from homeserver.domain.rooms.power_levels import (
    CREATOR_LEVEL_WITHOUT_EVENT,
    DEFAULT_LEVELS,
    privileged_creators,
    read_level,
    read_levels,
)
from homeserver.domain.rooms.presets import NewState, default_power_levels
from homeserver.domain.rooms.room import CREATE, MEMBER, POWER_LEVELS
from homeserver.domain.rooms.spaces import SPACE_CHILD, has_via
from homeserver.domain.rooms.summary import SPACE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import StateKey
    from homeserver.domain.rooms.versions import RoomVersion
    from homeserver.domain.shared.json import JsonObject

_COPIED: Final = (
    *("m.room.server_acl", "m.room.encryption", "m.room.name", "m.room.avatar", "m.room.topic"),
    *("m.room.guest_access", "m.room.history_visibility", "m.room.join_rules"),
)
_OF_CREATE: Final = ("type", "m.federate")
RESTRICTED_LEVEL: Final = 50


@dataclass(frozen=True, slots=True)
class OldRoom:
    """A room that is replaced: its version and its state."""

    version: RoomVersion
    state: Mapping[StateKey, Event]

    def content(self, key: StateKey) -> JsonObject:
        """The content of a state event, empty where there is none."""
        event = self.state.get(key)
        return event.content if event is not None else {}

    @property
    def creators(self) -> frozenset[str]:
        """Those of infinite power."""
        return privileged_creators(self.version, self.state[CREATE])


def replacement_events(
    old: OldRoom,
    version: RoomVersion,
    upgrader: str,
    additional_creators: tuple[str, ...],
    predecessor: JsonObject,
) -> list[NewState]:
    """Return the first state events of the new room, in order.

    The power levels come last: before them who makes the room may set everything, also
    what they could not set in the old room. `additional_creators` count where the version has
    them.
    """
    return [
        NewState(
            *CREATE, _create_content(old, version, upgrader, additional_creators, predecessor)
        ),
        NewState(MEMBER, upgrader, {"membership": "join"}),
        *_copied(old),
        NewState(*POWER_LEVELS, _power_levels(old, version, upgrader, additional_creators)),
    ]


def closed_levels(old: OldRoom) -> dict[str, Any] | None:
    """The power levels that keep ordinary members of the old room from writing and inviting.

    None where that is so already, or where the room has no such event.
    """
    held = old.state.get(POWER_LEVELS)
    if held is None:
        return None
    users_default = read_level(old.version, held.content.get("users_default")) or 0
    needed = max(RESTRICTED_LEVEL, users_default + 1)
    raised = {
        key: needed
        for key in ("events_default", "invite")
        if (read_level(old.version, held.content.get(key)) or DEFAULT_LEVELS[key]) < needed
    }
    return {**held.content, **raised} if raised else None


def _create_content(
    old: OldRoom,
    version: RoomVersion,
    upgrader: str,
    additional_creators: tuple[str, ...],
    predecessor: JsonObject,
) -> dict[str, Any]:
    was = old.content(CREATE)
    content: dict[str, Any] = {key: was[key] for key in _OF_CREATE if key in was}
    content |= {"room_version": version.id, "predecessor": predecessor}
    if version.creator_in_create_content:
        content["creator"] = upgrader
    others = [user for user in additional_creators if user != upgrader]
    if version.privileged_creators and others:
        content["additional_creators"] = others
    return content


def _copied(old: OldRoom) -> Iterator[NewState]:
    for event_type in _COPIED:
        content = old.content((event_type, ""))
        if content:
            yield NewState(event_type, "", content)
    if old.content(CREATE).get("type") != SPACE:
        return
    for (event_type, state_key), event in old.state.items():
        if event_type == SPACE_CHILD and has_via(event):
            yield NewState(event_type, state_key, event.content)


def _power_levels(
    old: OldRoom, version: RoomVersion, upgrader: str, additional_creators: tuple[str, ...]
) -> dict[str, Any]:
    """The old room's levels as the new version takes them.

    Creators of version 12 stand above all levels and may not be named; who was one and makes a
    room of an earlier version gets a level that suffices for everything.
    """
    if POWER_LEVELS not in old.state:
        return default_power_levels(version, upgrader)
    held = old.content(POWER_LEVELS)
    content: dict[str, Any] = dict(held)
    for key in DEFAULT_LEVELS:
        level = read_level(old.version, held.get(key))
        content.pop(key, None)
        if level is not None:
            content[key] = level
    for key in ("users", "events", "notifications"):
        content[key] = read_levels(old.version, held.get(key))
    if version.privileged_creators:
        for creator in (upgrader, *additional_creators):
            content["users"].pop(creator, None)
    elif upgrader in old.creators:
        levels = (*(content.get(key, 0) for key in DEFAULT_LEVELS), *content["events"].values())
        content["users"][upgrader] = max(
            CREATOR_LEVEL_WITHOUT_EVENT, *levels, *content["users"].values()
        )
    return content
