"""What a client asks for, and what it gets (Client-Server API, "Server Side Search")."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from homeserver.domain.search.document import KEYS
from homeserver.domain.sync.filter import RoomEventFilter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from homeserver.application.access import RoomView
    from homeserver.application.relations.bundle import Bundle
    from homeserver.application.rooms.neighbours import Neighbours
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.domain.search.document import SearchKey

GROUP_KEYS = ("room_id", "sender")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """How many events around each result are wanted, and whether who sent them."""

    before: int = 5
    after: int = 5
    profiles: bool = False


@dataclass(frozen=True, slots=True)
class Criteria:
    """A search for events of rooms; `next_batch` is where an earlier page ended."""

    term: str
    keys: Sequence[SearchKey] = tuple(KEYS.values())
    filter: RoomEventFilter = field(default_factory=RoomEventFilter)
    ranked: bool = True
    surroundings: Surroundings | None = None
    include_state: bool = False
    group_by: Sequence[str] = ()
    next_batch: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """An event that answers, in its room as the searcher sees it.

    `profiles` are the member events of those who sent it and what stands around it, as they
    were at the event; `bundles` what relates to these events.
    """

    rank: float
    view: RoomView
    item: TimelineEvent
    around: Neighbours | None = None
    profiles: Sequence[Event] = ()
    bundles: Mapping[str, Bundle] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Results:
    """A page of results in the wanted order; `count` is of all, about."""

    results: Sequence[Result] = ()
    count: int = 0
    highlights: Sequence[str] = ()
    state: Mapping[str, Sequence[Event]] = field(default_factory=dict)
    next_batch: str | None = None
