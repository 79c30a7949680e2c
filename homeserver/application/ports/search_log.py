"""What the filling of the full-text index reads and writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from homeserver.domain.events.event import Event
    from homeserver.domain.search.document import SearchKey
    from homeserver.domain.sync.vector import Vector

Place = tuple[int, int, int]
"""(room nid, seq, back) of an event."""
EventKey = tuple[int, str]
"""(room nid, event id)."""


class LoggedEvent(NamedTuple):
    """An event of a room's log; `redacted` where it was stripped, or purged."""

    place: Place
    event: Event
    sender_nid: int
    redacted: bool


class Stretch(NamedTuple):
    """A part of a room's log: after (seq, back), up to and with `until`."""

    after: tuple[int, int]
    until: int


@dataclass(frozen=True, slots=True)
class Document:
    """A text to be found. `ts` in milliseconds."""

    place: Place
    key: SearchKey
    ts: int
    tokens: Sequence[str]


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit of a message (`m.replace`), whether or not it holds."""

    key: EventKey
    target_id: str
    sender_nid: int
    ts: int


@dataclass(slots=True)
class Changes:
    """What one step changes, stored together.

    Texts at `renewed` places go first; then `documents` come, at new places or renewed ones.
    `rooms` are those that were read, and how far (seq). `early`: see `FillCursor`.
    """

    documents: list[Document] = field(default_factory=list)
    renewed: set[Place] = field(default_factory=set)
    edits: list[Edit] = field(default_factory=list)
    rooms: dict[int, int] = field(default_factory=dict)
    early: bool = False


@dataclass(frozen=True, slots=True)
class FillCursor:
    """How far the filling is, as its holder has it.

    `vector` is how far the logs were followed, None before all rooms were read once. `texts`
    and `rooms` count the numbers that were given out; `rev` grows with each step. `early`:
    an edit was once read before what it edits, so each new text is compared with the stored
    edits; on a server without history from others that never happens.
    """

    rev: int
    vector: Mapping[int, int] | None = None
    texts: int = 0
    rooms: int = 0
    early: bool = False


class SearchLog(Protocol):
    """Reads the logs of rooms for the filling, and stores what it makes of them."""

    async def take(self) -> FillCursor | None:
        """Become the one process that fills; None where another one does and lives."""
        ...

    async def behind(self, after: int, limit: int) -> Mapping[int, int]:
        """Rooms with nid > `after` that were not read to their head: nid → head, in nid order."""
        ...

    async def read_upto(self, rooms: Collection[int]) -> Mapping[int, int]:
        """How far these rooms were read; rooms that never were are left out."""
        ...

    async def events(self, stretches: Mapping[int, Stretch], limit: int) -> list[LoggedEvent]:
        """The first `limit` events of these stretches by (room nid, seq, back)."""
        ...

    async def arrived_late(self, rooms: Collection[int], after: Vector) -> list[LoggedEvent]:
        """History in gaps of these rooms that was written at positions which `after` lacks."""
        ...

    async def by_id(self, keys: Collection[EventKey]) -> Mapping[EventKey, LoggedEvent]:
        """These events, as far as they are in the log."""
        ...

    async def edits(self, keys: Collection[EventKey], newest: int) -> Sequence[Edit]:
        """The stored edits that have one of these keys, or are of an event that has one.

        Of the latter each sender's `newest` ones.
        """
        ...

    async def store(self, cursor: FillCursor, changes: Changes) -> FillCursor:
        """Store a step and move the cursor in one transaction; `cursor.vector` is the new one.

        Raises RoleLostError, and stores nothing, where the cursor is not the last one.
        """
        ...
