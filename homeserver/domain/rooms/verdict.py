"""What becomes of an event that came from elsewhere: a value, not an exception."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homeserver.domain.sync.position import RoomPosition


@dataclass(frozen=True, slots=True)
class Accepted:
    """The event stands in the room's log; nobody was told of it twice."""

    position: RoomPosition


@dataclass(frozen=True, slots=True)
class SoftFailed:
    """Its own past allows the event, the room's present does not: it is kept, never shown."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The event's own past forbids it: it is kept so that nothing can lean on it."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Missing:
    """These events, or the state after them, must be fetched before this one can be judged."""

    event_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unasked:
    """History that no gap of this room asks for: nothing is kept of it."""


Verdict = Accepted | SoftFailed | Rejected | Missing | Unasked
