"""Rule 9 (version 12: 10): `m.room.power_levels`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from homeserver.domain.rooms.auth.failure import AuthFailure, numbers_of, refuse
from homeserver.domain.rooms.power_levels import (
    DEFAULT_LEVELS,
    Level,
    privileged_creators,
    read_level,
    read_levels,
)
from homeserver.domain.shared.identifiers import is_user_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.auth.state import Room
    from homeserver.domain.rooms.versions import RoomVersion
    from homeserver.domain.shared.json import Json, JsonObject

_Change = tuple[str, int | None, int | None]  # key, level before, level after


def check_power_levels(room: Room, event: Event) -> AuthFailure | None:
    """Check the form of new levels, and that the sender gives and takes only what is below."""
    failure = check_form(room.version, room.create, event.content)
    before = room.lookup("m.room.power_levels", "")
    if failure is not None or before is None:
        return failure
    return (
        _check_scalars(room, event, before.content)
        or _check_maps(room, event, before.content)
        or _check_users(room, event, before.content)
    )


def check_form(version: RoomVersion, create: Event, content: JsonObject) -> AuthFailure | None:
    """Check what no sender may write into levels: it is malformed, whoever asks."""
    return _check_integers(version, content) or _check_creators(version, create, content)


def _check_integers(version: RoomVersion, content: JsonObject) -> AuthFailure | None:
    numbers = numbers_of(version)
    if version.integer_power_levels:
        if any(key in content and not _is_level(version, content[key]) for key in DEFAULT_LEVELS):
            return refuse(version, numbers.levels_scalars, "a level that is not an integer")
        if not all(_is_level_map(version, content.get(k, {})) for k in ("events", "notifications")):
            return refuse(version, numbers.levels_maps, "levels that are not integers")
    users = content.get("users", {})
    if not _is_level_map(version, users) or not all(map(is_user_id, users)):
        return refuse(version, numbers.levels_users, "users is not a map of user ids to integers")
    return None


def _is_level(version: RoomVersion, value: Json) -> bool:
    return read_level(version, value) is not None


def _is_level_map(version: RoomVersion, value: Json) -> bool:
    return isinstance(value, Mapping) and all(_is_level(version, level) for level in value.values())


def _check_creators(version: RoomVersion, create: Event, content: JsonObject) -> AuthFailure | None:
    creators = privileged_creators(version, create)
    if creators.isdisjoint(content.get("users", {})):
        return None
    return refuse(version, numbers_of(version).levels_creators, "users lists a creator of the room")


def _check_scalars(room: Room, event: Event, before: JsonObject) -> AuthFailure | None:
    number = numbers_of(room.version).levels_altered
    own = room.level_of(event.sender)
    old = {key: before.get(key) for key in DEFAULT_LEVELS}
    new = {key: event.content.get(key) for key in DEFAULT_LEVELS}
    for key, was, becomes in _changes(room.version, old, new):
        if _above(was, own):
            return refuse(room.version, f"{number}.1", f"{key} is above the sender's level")
        if _above(becomes, own):
            return refuse(room.version, f"{number}.2", f"{key} would be above the sender's level")
    return None


def _check_maps(room: Room, event: Event, before: JsonObject) -> AuthFailure | None:
    numbers = numbers_of(room.version)
    own = room.level_of(event.sender)
    changes = [
        change
        for name in ("events", "notifications")
        for change in _changes(room.version, before.get(name), event.content.get(name))
    ]
    if any(_above(was, own) for _, was, _ in changes):
        return refuse(
            room.version,
            f"{numbers.levels_map_before}.1",
            "an entry is above the sender's level",
        )
    if any(_above(becomes, own) for _, _, becomes in changes):
        return refuse(
            room.version,
            f"{numbers.levels_map_after}.1",
            "an entry would be above the sender's level",
        )
    return None


def _check_users(room: Room, event: Event, before: JsonObject) -> AuthFailure | None:
    numbers = numbers_of(room.version)
    own = room.level_of(event.sender)
    changes = list(_changes(room.version, before.get("users"), event.content.get("users")))
    for user, was, _ in changes:
        if user != event.sender and was is not None and was >= own:
            return refuse(
                room.version,
                f"{numbers.levels_user_before}.1",
                "a user is not below the sender",
            )
    if any(_above(becomes, own) for _, _, becomes in changes):
        return refuse(
            room.version,
            f"{numbers.levels_user_after}.1",
            "a user would be above the sender",
        )
    return None


def _changes(version: RoomVersion, old: Json, new: Json) -> Iterator[_Change]:
    """Yield the entries that were added, changed or removed; None stands for absent."""
    before, after = read_levels(version, old), read_levels(version, new)
    for key in {**before, **after}:
        was, becomes = before.get(key), after.get(key)
        if was != becomes:
            yield key, was, becomes


def _above(level: int | None, own: Level) -> bool:
    return level is not None and level > own
