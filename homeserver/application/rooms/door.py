"""The door: events that were made elsewhere on their way into a room's log, inside a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.ports.branch_store import PlacedEvent
from homeserver.application.rooms.room_graph import AbsentEventError
from homeserver.domain.rooms.branches import Standing, StateAt, Stray
from homeserver.domain.rooms.verdict import Accepted, Missing, Rejected, SoftFailed, Unasked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.rooms.judge import Judge
    from homeserver.application.rooms.placing import Placing
    from homeserver.application.rooms.room_graph import RoomGraph
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.auth import AuthFailure
    from homeserver.domain.rooms.draft import RoomDraft
    from homeserver.domain.rooms.verdict import Verdict
    from homeserver.domain.sync.position import RoomPosition


class Door:
    """Lets events of one room in, in the order given: what is cited comes first."""

    def __init__(self, state: RoomDraft, graph: RoomGraph, judge: Judge, placing: Placing) -> None:
        """Work on one batch's view of the room."""
        self._state = state
        self._graph = graph
        self._judge = judge
        self._placing = placing

    def receive(self, events: Sequence[Event], *, history_only: bool) -> list[Verdict]:
        """Give each event its verdict, and each accepted one its place.

        What a gap asks for is history, whenever it arrives; the rest is new, or Unasked with
        `history_only`.
        """
        asked = self._asked_for(events)
        verdicts: list[Verdict] = []
        history: list[int] = []
        for number, event in enumerate(events):
            is_history = event.event_id in asked
            try:
                verdict = self._seen_before(event) or self._verdict(
                    event, is_history=is_history, is_wanted=is_history or not history_only
                )
            except AbsentEventError as error:
                verdict = Missing((error.event_id,))
            if is_history and isinstance(verdict, Unasked | Rejected):
                history.append(number)
            verdicts.append(verdict)
        for number, position in self._place(events, verdicts, history).items():
            verdicts[number] = Accepted(position)
        return verdicts

    def _place(
        self, events: Sequence[Event], verdicts: Sequence[Verdict], history: Sequence[int]
    ) -> dict[int, RoomPosition]:
        """Place what was judged as history; its numbers and positions."""
        refused = {events[n].event_id for n in history if isinstance(verdicts[n], Rejected)}
        placed = self._placing.history([events[n] for n in history], refused)
        for number in history:
            event_id = events[number].event_id
            if event_id not in placed and event_id not in refused:
                self._state.branches.states.pop(event_id, None)
        return {n: placed[e] for n in history if (e := events[n].event_id) in placed}

    def _asked_for(self, events: Sequence[Event]) -> set[str]:
        """Which of these events fill gaps, through each other too."""
        wanted = {e for gap in self._placing.gaps().values() for e in gap.missing}
        found: set[str] = set()
        for event in reversed(events):
            if event.event_id in wanted and not self._graph.is_settled(event.event_id):
                found.add(event.event_id)
                wanted.update(event.prev_events)
        return found

    def _seen_before(self, event: Event) -> Verdict | None:
        found = self._graph.find(event.event_id)
        if isinstance(found, PlacedEvent):
            return Accepted(found.position)
        if found is None or found.standing is Standing.OUTLIER:
            return None
        kind = SoftFailed if found.standing is Standing.SOFT_FAILED else Rejected
        return kind(found.rule, found.reason)

    def _verdict(self, event: Event, *, is_history: bool, is_wanted: bool) -> Verdict:
        """Judge; accepted history waits for its place as `Unasked`."""
        if not is_wanted:
            return Unasked()
        failure = self._judge.by_auth_events(event)
        if self._judge.follows_all(event) and not is_history:
            return self._at_head(event, failure)
        unknown = self._judge.unknown_before(event)
        if unknown:
            if failure is not None:
                return self._refuse(event, Standing.REJECTED, failure, None)
            return Missing(tuple(unknown))
        before = self._judge.state_before(event)
        failure = failure or self._judge.by_state(event, before)
        if failure is not None:
            return self._refuse(event, Standing.REJECTED, failure, before)
        after = _after(event, before)
        self._graph.consider(event, after)
        if is_history:
            return Unasked()
        failure = self._judge.by_current_state(event)
        if failure is not None:
            return self._refuse(event, Standing.SOFT_FAILED, failure, after)
        return Accepted(self._placing.on_branch(event, after))

    def _at_head(self, event: Event, failure: AuthFailure | None) -> Verdict:
        """The common case: the state before the event is the room's, one check does for two."""
        failure = failure or self._judge.by_current_state(event)
        if failure is None:
            return Accepted(self._placing.at_head(event))
        before = StateAt(self._state.line_after(self._state.head.seq))
        return self._refuse(event, Standing.REJECTED, failure, before)

    def _refuse(
        self, event: Event, standing: Standing, failure: AuthFailure, state: StateAt | None
    ) -> Verdict:
        """Keep the event beside the log, with the state that events after it see."""
        ref = self._placing.group_of(state) if state is not None else None
        side = self._state.branches
        side.strays[event.event_id] = Stray(event, standing, failure.rule, failure.reason, ref)
        if state is not None:
            side.states[event.event_id] = state
        kind = SoftFailed if standing is Standing.SOFT_FAILED else Rejected
        return kind(failure.rule, failure.reason)


def _after(event: Event, before: StateAt) -> StateAt:
    if event.state_key is None:
        return before
    return StateAt({**before.ids, (event.type, event.state_key): event.event_id})
