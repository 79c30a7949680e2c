"""Reading filter objects; unknown keys are ignored, known ones must be right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from homeserver.domain.shared.errors import BadJsonError, InvalidParamError
from homeserver.domain.sync.filter import (
    MAX_LIMIT,
    EventFilter,
    Filter,
    Names,
    RoomEventFilter,
    RoomFilter,
)

if TYPE_CHECKING:
    from homeserver.domain.shared.json import Json, JsonObject

_FORMATS: Final = ("client", "federation")
_ROOM_PARTS: Final = ("state", "timeline", "ephemeral", "account_data")
_FLAGS: Final = ("lazy_load_members", "include_redundant_members", "unread_thread_notifications")


def parse_filter(json: Json) -> Filter:
    """Read the filter of `POST /filter` or of `/sync`.

    `BadJsonError` for a value of the wrong type, `InvalidParamError` for one that is not
    allowed (a sender without `@`, a room without `!`, a negative limit, an unknown format).
    """
    source = _object(json, "filter")
    event_format = source.get("event_format", "client")
    if event_format not in _FORMATS:
        raise InvalidParamError("event_format must be client or federation")
    return Filter(
        event_fields=_names(source, "event_fields"),
        event_format=event_format,
        presence=parse_event_filter(source.get("presence", {})),
        account_data=parse_event_filter(source.get("account_data", {})),
        room=_room_filter(source.get("room", {})),
    )


def parse_event_filter(json: Json) -> EventFilter:
    """Read an `EventFilter`; errors as for `parse_filter`."""
    return EventFilter(**_event_keys(_object(json, "event filter")))


def parse_room_event_filter(json: Json) -> RoomEventFilter:
    """Read a `RoomEventFilter`, as in `/messages` and `/context`; errors as above."""
    source = _object(json, "room event filter")
    flags: dict[str, Any] = {flag: _flag(source, flag) or False for flag in _FLAGS}
    return RoomEventFilter(
        **_event_keys(source),
        **_room_keys(source),
        **flags,
        contains_url=_flag(source, "contains_url"),
        related_by_senders=_names(source, "related_by_senders", "@"),
        related_by_rel_types=_names(source, "related_by_rel_types"),
    )


def _room_filter(json: Json) -> RoomFilter:
    source = _object(json, "room filter")
    parts: dict[str, Any] = {
        part: parse_room_event_filter(source.get(part, {})) for part in _ROOM_PARTS
    }
    return RoomFilter(
        **_room_keys(source),
        include_leave=_flag(source, "include_leave") or False,
        **parts,
    )


def _event_keys(source: JsonObject) -> dict[str, Any]:
    return {
        "limit": _limit(source),
        "types": _names(source, "types"),
        "not_types": _names(source, "not_types") or (),
        "senders": _names(source, "senders", "@"),
        "not_senders": _names(source, "not_senders", "@") or (),
    }


def _room_keys(source: JsonObject) -> dict[str, Any]:
    return {
        "rooms": _names(source, "rooms", "!"),
        "not_rooms": _names(source, "not_rooms", "!") or (),
    }


def _object(json: Json, what: str) -> JsonObject:
    if not isinstance(json, dict):
        raise BadJsonError(f"A {what} must be an object")
    return json


def _names(source: JsonObject, key: str, sigil: str = "") -> Names | None:
    names = source.get(key)
    if names is None and key not in source:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadJsonError(f"{key} must be a list of strings")
    if not all(name.startswith(sigil) for name in names):
        raise InvalidParamError(f"{key} must list ids that begin with {sigil}")
    return tuple(dict.fromkeys(names))


def _flag(source: JsonObject, key: str) -> bool | None:
    value = source.get(key)
    if value is not None and not isinstance(value, bool):
        raise BadJsonError(f"{key} must be true or false")
    return value


def _limit(source: JsonObject) -> int | None:
    limit = source.get("limit")
    if limit is None:
        return None
    if not isinstance(limit, int) or isinstance(limit, bool):
        raise BadJsonError("limit must be an integer")
    if limit < 0:
        raise InvalidParamError("limit must be greater than 0")
    return min(max(limit, 1), MAX_LIMIT)
