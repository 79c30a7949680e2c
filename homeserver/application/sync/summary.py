"""The `summary` of a joined room: heroes and counts (Client-Server API, `RoomSummary`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.domain.rooms.membership import INVITE, JOIN
from homeserver.domain.rooms.room import MEMBER

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import Room

HEROES = 5
_SCAN = 5_000


def room_summary(room: Room, user_id: str) -> dict[str, Any]:
    """Count the members; name up to five others where the room has no name of its own."""
    summary: dict[str, Any] = {
        "m.joined_member_count": len(room.members),
        "m.invited_member_count": len(_invited(room)),
    }
    if not _has_name(room):
        summary["m.heroes"] = _heroes(room, user_id)
    return summary


def heroes_of(room: Room, user_id: str) -> list[str]:
    """Who is named in the room's summary; nobody where the room has a name."""
    return [] if _has_name(room) else _heroes(room, user_id)


def _invited(room: Room) -> list[Event]:
    return [e for key, e in room.state.items() if key[0] == MEMBER and e.membership == INVITE]


def _has_name(room: Room) -> bool:
    named = room.content_of(("m.room.name", ""), "name")
    alias = room.content_of(("m.room.canonical_alias", ""), "alias")
    return bool(named) or bool(alias)


def _heroes(room: Room, user_id: str) -> list[str]:
    """Those present, else those who were: in the order of their member events."""
    present = [m.event for name, m in room.members.items() if name != user_id]
    present += [event for event in _invited(room) if event.state_key != user_id]
    if not present:
        present = [
            event
            for key, event in list(room.state.items())[:_SCAN]
            if key[0] == MEMBER and key[1] != user_id and event.membership != JOIN
        ]
    oldest = sorted(present, key=lambda e: (e.depth, e.origin_server_ts))
    return [event.state_key or "" for event in oldest[:HEROES]]
