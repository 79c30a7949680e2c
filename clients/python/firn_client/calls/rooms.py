"""Rooms: coming and going, sending, reading."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from firn_client.calls.call import Call, Nothing, given, path, wanted
from firn_client.event import Event


class RoomId(Struct, frozen=True):
    """A room."""

    room_id: str


class EventId(Struct, frozen=True):
    """An event."""

    event_id: str


class Page(Struct, frozen=True):
    """Events in the order of reading; `end` leads to the next page, None at the end."""

    chunk: list[Event]
    start: str = ""
    end: str | None = None


class Members(Struct, frozen=True):
    """Member events."""

    chunk: list[Event]


class JoinedRooms(Struct, frozen=True):
    """Ids of rooms."""

    joined_rooms: list[str]


def create(wish: dict[str, Any]) -> Call[RoomId]:
    """Make a room. To try again would make another."""
    return Call("POST", path("createRoom"), RoomId, wish, repeatable=False)


def join(room: str) -> Call[RoomId]:
    """Join by id or alias."""
    return Call("POST", path("join", room), RoomId, {})


def step(room_id: str, action: str, user_id: str | None, reason: str | None) -> Call[Nothing]:
    """Leave or forget a room, or invite, kick, ban, unban somebody."""
    body = wanted(user_id=user_id, reason=reason)
    return Call("POST", path("rooms", room_id, action), Nothing, body)


def joined() -> Call[JoinedRooms]:
    """The rooms where one is."""
    return Call("GET", path("joined_rooms"), JoinedRooms)


def send(room_id: str, kind: str, txn: str, content: dict[str, Any]) -> Call[EventId]:
    """Send an event. Under the same transaction id it is sent once."""
    return Call("PUT", path("rooms", room_id, "send", kind, txn), EventId, content)


def redact(room_id: str, event_id: str, txn: str, reason: str | None) -> Call[EventId]:
    """Strip an event of its content."""
    body = wanted(reason=reason)
    return Call("PUT", path("rooms", room_id, "redact", event_id, txn), EventId, body)


def state(room_id: str, kind: str, key: str) -> Call[dict[str, Any]]:
    """The content of one piece of state."""
    return Call("GET", path("rooms", room_id, "state", kind, key), dict[str, Any])


def set_state(room_id: str, kind: str, key: str, content: dict[str, Any]) -> Call[EventId]:
    """Set one piece of state; setting it again to the same changes nothing."""
    return Call("PUT", path("rooms", room_id, "state", kind, key), EventId, content)


def typing(room_id: str, user_id: str, seconds: float | None) -> Call[Nothing]:
    """Say that one types for so long; None: no longer."""
    body = wanted(
        typing=seconds is not None, timeout=None if seconds is None else int(seconds * 1000)
    )
    return Call("PUT", path("rooms", room_id, "typing", user_id), Nothing, body)


def receipt(room_id: str, kind: str, event_id: str, thread_id: str | None) -> Call[Nothing]:
    """Say how far one has read."""
    body = wanted(thread_id=thread_id)
    return Call("POST", path("rooms", room_id, "receipt", kind, event_id), Nothing, body)


def read_markers(room_id: str, markers: dict[str, str]) -> Call[Nothing]:
    """Set `m.fully_read`, `m.read` and `m.read.private` at once."""
    return Call("POST", path("rooms", room_id, "read_markers"), Nothing, markers)


def messages(
    room_id: str,
    *,
    start: str | None = None,
    to: str | None = None,
    backwards: bool = True,
    limit: int = 100,
) -> Call[Page]:
    """One page of the room's events, between two tokens."""
    query = given(**{"from": start}, to=to, dir="b" if backwards else "f", limit=limit)
    return Call("GET", path("rooms", room_id, "messages"), Page, query=query)


def event(room_id: str, event_id: str) -> Call[Event]:
    """One event."""
    return Call("GET", path("rooms", room_id, "event", event_id), Event)


def members(room_id: str, membership: str | None) -> Call[Members]:
    """The member events of a room."""
    query = given(membership=membership)
    return Call("GET", path("rooms", room_id, "members"), Members, query=query)
