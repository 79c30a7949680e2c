"""The filter object as data (Client-Server API, "Filtering")."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

DEFAULT_LIMIT: Final = 10
MAX_LIMIT: Final = 100

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events to include. None means: not restricted; an empty tuple: none at all.

    `limit` is between 1 and `MAX_LIMIT`, or None where the client named none.
    `types` and `not_types` may have `*`.
    """

    limit: int | None = None
    types: Names | None = None
    not_types: Names = ()
    senders: Names | None = None
    not_senders: Names = ()

    @property
    def page(self) -> int:
        """How many events to give."""
        return DEFAULT_LIMIT if self.limit is None else self.limit


@dataclass(frozen=True, slots=True)
class RoomEventFilter(EventFilter):
    """Which events of rooms to include, and how members and relations count.

    The `related_by_*` restrictions (MSC3440) ask the store for an event's children; they are
    not part of the predicate of `filter_match` (see `application.relations.related_by`).
    """

    rooms: Names | None = None
    not_rooms: Names = ()
    contains_url: bool | None = None
    lazy_load_members: bool = False
    include_redundant_members: bool = False
    unread_thread_notifications: bool = False
    related_by_senders: Names | None = None
    related_by_rel_types: Names | None = None


@dataclass(frozen=True, slots=True)
class RoomFilter:
    """Which rooms to include, and what of them; the room lists come before the others."""

    rooms: Names | None = None
    not_rooms: Names = ()
    include_leave: bool = False
    state: RoomEventFilter = field(default_factory=RoomEventFilter)
    timeline: RoomEventFilter = field(default_factory=RoomEventFilter)
    ephemeral: RoomEventFilter = field(default_factory=RoomEventFilter)
    account_data: RoomEventFilter = field(default_factory=RoomEventFilter)

    @property
    def counts_threads(self) -> bool:
        """Whether unread counts are wanted by thread; the specification names no place for it."""
        parts = (self.timeline, self.state, self.ephemeral, self.account_data)
        return any(part.unread_thread_notifications for part in parts)


@dataclass(frozen=True, slots=True)
class Filter:
    """A whole filter. `event_fields` None means all; `event_format` client or federation."""

    event_fields: Names | None = None
    event_format: str = "client"
    presence: EventFilter = field(default_factory=EventFilter)
    account_data: EventFilter = field(default_factory=EventFilter)
    room: RoomFilter = field(default_factory=RoomFilter)


EVERYTHING: Final = Filter()
