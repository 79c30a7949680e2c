"""A room's graph of events as one change sees it: its batch, and what was read before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.ports.branch_store import PlacedEvent
from homeserver.domain.events.hashes import create_event_id_of
from homeserver.domain.rooms.branches import Standing, StateAt, Stray
from homeserver.domain.sync.position import RoomPosition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from homeserver.application.rooms.known_events import KnownEvents
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.draft import RoomDraft
    from homeserver.domain.rooms.timeline import TimelineEvent


class AbsentEventError(LookupError):
    """An event that nobody here has."""

    def __init__(self, event_id: str) -> None:
        """Name it."""
        super().__init__(event_id)
        self.event_id = event_id


class RoomGraph:
    """An `EventSource` that also knows places, standings and states.

    Everything may raise MissingEventError or UnreadError, for `KnownEvents` to read, and what
    must have an event raises AbsentEventError.
    """

    def __init__(self, draft: RoomDraft, known: KnownEvents) -> None:
        """Look at the batch first."""
        self._draft = draft
        self._known = known
        self._placed: dict[str, TimelineEvent] = {}
        self._candidates: dict[str, Event] = {}
        history = draft.side.history if draft.side is not None else ()
        for item in (*draft.events, *history):
            self.add(item)

    def add(self, item: TimelineEvent) -> None:
        """Take in an event that the batch placed."""
        self._placed[item.event.event_id] = item
        self._candidates.pop(item.event.event_id, None)

    def consider(self, event: Event, after: StateAt) -> None:
        """Take in an event that its past allows, before it has a place."""
        self._candidates[event.event_id] = event
        self._draft.branches.states[event.event_id] = after

    def find(self, event_id: str) -> PlacedEvent | Stray | None:
        """An event and its place or standing; None where it is unknown."""
        item = self._placed.get(event_id)
        if item is not None:
            return PlacedEvent(item.event, RoomPosition(item.seq, item.back))
        side = self._draft.side
        stray = side.strays.get(event_id) if side is not None else None
        return stray or self._known.event(event_id)

    def get(self, event_id: str) -> Event:
        """See `EventSource`."""
        candidate = self._candidates.get(event_id)
        if candidate is not None:
            return candidate
        found = self.find(event_id)
        if found is None:
            raise AbsentEventError(event_id)
        return found.event

    def is_rejected(self, event_id: str) -> bool:
        """See `EventSource`."""
        found = self.find(event_id)
        return isinstance(found, Stray) and found.standing is Standing.REJECTED

    def is_settled(self, event_id: str) -> bool:
        """Whether the event has its place, or was refused one."""
        found = self.find(event_id)
        return found is not None and not _is_outlier(found)

    def has_state(self, event_id: str) -> bool:
        """Whether the state after the event is known."""
        if event_id in self._candidates:
            return True
        found = self.find(event_id)
        return isinstance(found, PlacedEvent) or (found is not None and found.state_ref is not None)

    def create_of(self, event: Event) -> Event | None:
        """The create event that a room id stands for (version 12)."""
        if not self._draft.room.version.room_id_is_create_hash or event.type == "m.room.create":
            return None
        return self.get(create_event_id_of(event.room_id))

    def state_after(self, event_id: str) -> StateAt:
        """The state after an event whose state is known (`has_state`)."""
        side = self._draft.side
        state = side.states.get(event_id) if side is not None else None
        if state is not None:
            return state
        item = self._placed.get(event_id)
        if item is not None:
            return StateAt(self._draft.line_after(item.seq))
        if self._draft.head.extremities == (event_id,):
            return StateAt(self._draft.line_after(self._draft.head.seq))
        found = self._known.state_after(event_id)
        if found is None:
            raise AbsentEventError(event_id)
        return found

    def behind(self, event_ids: Iterable[str]) -> set[str]:
        """These events and, where they were refused a place, those behind them."""
        found: set[str] = set()
        pending = list(event_ids)
        while pending:
            event_id = pending.pop()
            if event_id in found:
                continue
            found.add(event_id)
            event = self.find(event_id)
            if isinstance(event, Stray) and not _is_outlier(event):
                pending.extend(event.event.prev_events)
        return found

    def item(self, event_id: str) -> TimelineEvent | None:
        """An event of the log as it stands there."""
        return self._placed.get(event_id) or self._known.target(event_id)


def _is_outlier(found: PlacedEvent | Stray) -> bool:
    return isinstance(found, Stray) and found.standing is Standing.OUTLIER
