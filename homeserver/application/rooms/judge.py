"""The checks on an event that came from elsewhere, up to its verdict.

Server-server API, "Checks performed on receipt of a PDU", steps 4 to 6; the steps before
(format, signatures, hash) are the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.rooms.room_graph import AbsentEventError
from homeserver.domain.rooms.auth import AuthFailure, check_auth, check_auth_events
from homeserver.domain.rooms.branches import Standing, StateAt, Stray
from homeserver.domain.rooms.resolution import resolve
from homeserver.domain.rooms.room import CREATE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from homeserver.application.rooms.room_graph import RoomGraph
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.auth import Signatures
    from homeserver.domain.rooms.draft import RoomDraft


@dataclass(frozen=True, slots=True)
class Offered:
    """What came with the events: others that they cite, and the states behind gaps.

    `states` maps an event to the ids of the whole state before it (as `/state_ids` tells).
    """

    events: Mapping[str, Event]
    states: Mapping[str, Collection[str]]


class Judge:
    """Judges the events of one call against one batch."""

    def __init__(
        self, state: RoomDraft, graph: RoomGraph, offered: Offered, signatures: Signatures
    ) -> None:
        """Judge by these."""
        self._state = state
        self._graph = graph
        self._offered = offered
        self._signatures = signatures
        self._version = state.room.version

    def by_auth_events(self, event: Event) -> AuthFailure | None:
        """Check by what the event cites; what is cited and new becomes an outlier."""
        self.admit(event.auth_events)
        return self._by_cited(event)

    def follows_all(self, event: Event) -> bool:
        """Whether the state before the event is the room's current one."""
        return event.event_id not in self._offered.states and set(event.prev_events) == set(
            self._state.head.extremities
        )

    def unknown_before(self, event: Event) -> list[str]:
        """The previous events that keep the state before this one from being known."""
        if event.event_id in self._offered.states:
            return []
        return [e for e in event.prev_events if not self._graph.has_state(e)]

    def state_before(self, event: Event) -> StateAt:
        """The state before the event, resolved over its previous events' states."""
        offered = self._offered.states.get(event.event_id)
        if offered is not None:
            self.admit(offered)
            cited = [self._graph.get(event_id) for event_id in offered]
            return StateAt({(e.type, e.state_key or ""): e.event_id for e in cited})
        states = [self._graph.state_after(prev) for prev in dict.fromkeys(event.prev_events)]
        if len(states) == 1:
            return states[0]
        return StateAt(self.resolved(states))

    def resolved(self, states: Iterable[StateAt]) -> dict[tuple[str, str], str]:
        """The one state that follows from several."""
        sets = [state.ids for state in states]
        if len(sets) == 1:
            return sets[0]
        return resolve(self._version, sets, self._graph, signatures=self._signatures)

    def by_state(self, event: Event, before: StateAt) -> AuthFailure | None:
        """Check by the state before the event."""

        def find(event_type: str, state_key: str) -> Event | None:
            event_id = before.ids.get((event_type, state_key))
            return None if event_id is None else self._graph.get(event_id)

        return check_auth(self._version, event, find, signatures=self._signatures)

    def by_current_state(self, event: Event) -> AuthFailure | None:
        """Check by the room's state now."""
        return check_auth(
            self._version,
            event,
            self._state.state,
            levels=self._state.levels,
            signatures=self._signatures,
        )

    def admit(self, event_ids: Iterable[str]) -> None:
        """Check and keep events that are cited and were offered. Raises AbsentEventError."""
        pending, opened = list(event_ids), set[str]()
        while pending:
            event_id = pending[-1]
            if self._graph.find(event_id) is not None:
                pending.pop()
                continue
            event = self._offered.events.get(event_id)
            if event is None or event.event_id != event_id:
                raise AbsentEventError(event_id)
            new = [e for e in event.auth_events if self._graph.find(e) is None]
            if not new:
                pending.pop()
                self._keep(event)
            elif event_id in opened:
                raise AbsentEventError(event_id)  # a circle
            else:
                opened.add(event_id)
                pending.extend(new)

    def _keep(self, event: Event) -> None:
        failure = self._by_cited(event)
        self._state.branches.strays[event.event_id] = (
            Stray(event, Standing.OUTLIER)
            if failure is None
            else Stray(event, Standing.REJECTED, failure.rule, failure.reason)
        )

    def _by_cited(self, event: Event) -> AuthFailure | None:
        graph = self._graph
        cited = [graph.get(event_id) for event_id in event.auth_events]
        failure = check_auth_events(self._version, event, cited, graph.is_rejected)
        if failure is not None:
            return failure
        state = {(e.type, e.state_key or ""): e for e in cited}
        create = graph.create_of(event)
        if create is not None:
            state[CREATE] = create
        return check_auth(self._version, event, state, signatures=self._signatures)
