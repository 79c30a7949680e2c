"""The body of `/sync`, and of a frame of the stream, as structs."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from firn_client.event import Event


class Events(Struct, frozen=True):
    """A list of events."""

    events: list[Event] = []


class Timeline(Struct, frozen=True):
    """The newest events of a room; `limited` where older ones of the span were left out.

    Those are between the token of the request and `prev_batch`.
    """

    events: list[Event] = []
    limited: bool = False
    prev_batch: str | None = None


class Unread(Struct, frozen=True):
    """Unread events of a room: all that notify, and those of them that mention the user."""

    notification_count: int = 0
    highlight_count: int = 0


class JoinedRoom(Struct, frozen=True):
    """News of a room where the user is."""

    timeline: Timeline = field(default_factory=Timeline)
    state: Events = field(default_factory=Events)
    ephemeral: Events = field(default_factory=Events)
    account_data: Events = field(default_factory=Events)
    summary: dict[str, Any] = {}
    unread_notifications: Unread | None = None


class LeftRoom(Struct, frozen=True):
    """The last of a room that the user has left."""

    timeline: Timeline = field(default_factory=Timeline)
    state: Events = field(default_factory=Events)


class InvitedRoom(Struct, frozen=True):
    """An invitation: some state of the room, stripped."""

    invite_state: Events = field(default_factory=Events)


class Rooms(Struct, frozen=True):
    """News by room id."""

    join: dict[str, JoinedRoom] = {}
    invite: dict[str, InvitedRoom] = {}
    leave: dict[str, LeftRoom] = {}


class SyncBody(Struct, frozen=True):
    """All that is new since a token; `next_batch` is the token for the next request."""

    next_batch: str
    rooms: Rooms = field(default_factory=Rooms)
    account_data: Events = field(default_factory=Events)
    to_device: Events = field(default_factory=Events)
    presence: Events = field(default_factory=Events)
