"""Giving accepted events from elsewhere their place, and moving the room's state with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.ports.branch_store import PlacedEvent
from homeserver.application.rooms.compose import NewEvent, append
from homeserver.application.rooms.stripping import strip
from homeserver.domain.events.redacted import redacted_event
from homeserver.domain.rooms.branches import Gap, StateAt, StateGroup, difference
from homeserver.domain.rooms.draft import MembershipChange, Merge
from homeserver.domain.rooms.room import MEMBER
from homeserver.domain.rooms.timeline import TimelineEvent
from homeserver.domain.shared.identifiers import domain_of
from homeserver.domain.sync.position import RoomPosition

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from homeserver.application.rooms.judge import Judge
    from homeserver.application.rooms.known_events import KnownEvents
    from homeserver.application.rooms.room_graph import RoomGraph
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.branches import StateMap
    from homeserver.domain.rooms.draft import RoomDraft
    from homeserver.domain.rooms.room import StateKey

REDACTION = "m.room.redaction"
Moves = dict["StateKey", "Event | None"]


class Placing:
    """Writes one call's events into one batch's view of a room."""

    def __init__(
        self,
        draft: Draft,
        state: RoomDraft,
        graph: RoomGraph,
        judge: Judge,
        known: KnownEvents,
        new_nid: Callable[[], int],
    ) -> None:
        """Place into these; `new_nid` names state groups."""
        self._draft = draft
        self._state = state
        self._graph = graph
        self._judge = judge
        self._known = known
        self._new_nid = new_nid
        self._refs: dict[int, tuple[StateMap, int]] = {}

    def gaps(self) -> dict[int, Gap]:
        """The room's gaps at this point of the batch; what would lie in purged history is no gap."""
        side, floor = self._state.side, self._state.floor
        gaps = {**self._state.room.gaps, **(side.gaps if side is not None else {})}
        return {seq: gap for seq, gap in gaps.items() if not floor.hides(seq, -1)}

    def at_head(self, event: Event) -> RoomPosition:
        """Append an event that follows all that the room has."""
        return self._append(*self._arriving(event), None)

    def on_branch(self, event: Event, after: StateAt) -> RoomPosition:
        """Append an event that follows only a part, or that stands behind a gap."""
        state, head = self._state, self._state.head
        event, redaction = self._arriving(event)
        behind = self._graph.behind(event.prev_events)
        others = [e for e in head.extremities if e not in behind]
        states = [after, *(self._graph.state_after(e) for e in others)]
        resolved = self._judge.resolved(states)
        changed = difference(resolved, state.line_after(head.seq))
        moves = self._moves(changed, {event.event_id: event})
        ref = None
        if after.ids != resolved:
            ref = self._group(after, head.rev + 1, resolved)
        state.branches.states[event.event_id] = StateAt(after.ids, ref)
        unsettled = tuple(e for e in event.prev_events if not self._graph.is_settled(e))
        merge = Merge(moves, (*others, event.event_id), ref)
        position = self._append(event, redaction, merge)
        self._note_members(moves, self._state.events[-1].pos)
        if unsettled:
            state.branches.gaps[position.seq] = Gap(unsettled, head.notify_ord)
        return position

    def history(self, events: Sequence[Event], refused: Collection[str]) -> dict[str, RoomPosition]:
        """Place events that gaps ask for, the newest first, each behind the gap's event.

        Refused events are passed over: what stands behind them is asked for instead. Where
        this shows that the end of one branch is the past of another, it is an end no more,
        and the state moves without an event.
        """
        placed: dict[str, RoomPosition] = {}
        behind: set[str] = set()
        for event in reversed(events):
            seq = min((n for n, g in self.gaps().items() if event.event_id in g.missing), default=0)
            if not seq:
                continue
            if event.event_id not in refused:
                placed[event.event_id] = self._insert(event, seq)
            self._fill(seq, event)
            behind.update(self._graph.behind(event.prev_events))
        if behind:
            self._close(behind)
        return placed

    def group_of(self, state: StateAt) -> int:
        """The stored form of a state that is not the line's."""
        return self._group(state, self._state.head.rev, None)

    def _group(self, state: StateAt, base_rev: int, base: StateMap | None) -> int:
        """Name the state's group; messages share that of the event before them."""
        if state.ref is not None:
            return state.ref
        held = self._refs.get(id(state.ids))
        if held is not None:
            return held[1]
        if base is None:
            base = self._state.line_after(self._state.head.seq)
        nid = self._new_nid()
        group = StateGroup(nid, base_rev, difference(state.ids, base))
        self._state.branches.groups.append(group)
        self._refs[id(state.ids)] = (state.ids, nid)
        return nid

    def _append(self, event: Event, redaction: Event | None, merge: Merge | None) -> RoomPosition:
        """Put an event at the end of the log."""
        sender = self._known.nid_of(event.sender)
        target = None
        if event.type == MEMBER and event.state_key is not None:
            target = self._known.nid_of(event.state_key)
        self._unstray(event.event_id)
        new = NewEvent(event.type, {}, event.state_key, None, target)
        item = append(self._draft, self._state, event, sender_nid=sender, new=new, merge=merge)
        item.redacted_because = redaction
        self._graph.add(item)
        self._redact(event)
        return RoomPosition(item.seq)

    def _insert(self, event: Event, seq: int) -> RoomPosition:
        """Place history behind event (seq, 0), older than all that stands there."""
        event, redaction = self._arriving(event)
        after = self._state.branches.states[event.event_id]
        gap = self.gaps()[seq]
        item = TimelineEvent(
            event,
            seq=seq,
            back=gap.back - 1,
            slot=self._draft.slot,
            pos=self._draft.next_pos(),
            sender_nid=self._known.nid_of(event.sender),
            notify_ord=gap.notify_ord,
            state_ref=self.group_of(after),
            redacted_because=redaction,
        )
        side = self._state.branches
        side.history.append(item)
        self._state.relate(item)
        side.gaps[seq] = Gap(gap.missing, gap.notify_ord, item.back)
        side.states[event.event_id] = StateAt(after.ids, item.state_ref)
        self._unstray(event.event_id)
        self._graph.add(item)
        self._redact(event)
        return RoomPosition(item.seq, item.back)

    def _unstray(self, event_id: str) -> None:
        """An outlier gets its place."""
        if self._graph.find(event_id) is not None:
            side = self._state.branches
            side.strays.pop(event_id, None)
            side.placed.append(event_id)

    def _fill(self, seq: int, event: Event) -> None:
        """Note that an event is there now, and that those before it are missing instead."""
        unsettled = [e for e in event.prev_events if not self._graph.is_settled(e)]
        side = self._state.branches
        for n, gap in self.gaps().items():
            left = [e for e in gap.missing if e != event.event_id]
            if n == seq:
                left += [e for e in unsettled if e not in left]
            if tuple(left) != gap.missing:
                side.gaps[n] = Gap(tuple(left), gap.notify_ord, gap.back)

    def _close(self, behind: set[str]) -> None:
        """Drop the ends of branches that turned out to be somebody's past."""
        state, head = self._state, self._state.head
        left = tuple(e for e in head.extremities if e not in behind)
        moves: Moves = {}
        if left != head.extremities:
            resolved = self._judge.resolved([self._graph.state_after(e) for e in left])
            moves = self._moves(difference(resolved, state.line_after(head.seq)), {})
        pos = self._draft.next_pos()
        state.move_state(moves, left, slot=self._draft.slot, pos=pos, group_nid=self._new_nid())
        self._note_members(moves, pos)

    def _moves(self, changed: dict[StateKey, str | None], new: dict[str, Event]) -> Moves:
        return {
            key: None if event_id is None else new.get(event_id) or self._graph.get(event_id)
            for key, event_id in changed.items()
        }

    def _note_members(self, moves: Moves, pos: int) -> None:
        """Tell the users whose membership moved."""
        for (kind, user_id), event in moves.items():
            if kind != MEMBER:
                continue
            change = next(c for c in reversed(self._state.changes) if c.key == (kind, user_id))
            told = event or change.replaced
            if told is None:
                continue
            nid = self._known.nid_of(user_id)
            self._state.memberships.append(
                MembershipChange(
                    user_id=user_id,
                    user_nid=nid,
                    event=told,
                    sender_nid=self._known.nid_of(told.sender),
                    seq=self._state.head.seq,
                    base_ord=self._state.head.notify_ord,
                    pos=pos,
                    gone=event is None,
                )
            )
            self._draft.touch_user(nid)

    def _arriving(self, event: Event) -> tuple[Event, Event | None]:
        """An event as it enters the log: stripped, where its redaction was here first."""
        pending = [by for target, by in self._state.redactions if target == event.event_id]
        for event_id in (*self._known.redactions_of(event.event_id), *pending):
            by = self._graph.get(event_id)
            if self._may_redact(by, event):
                return redacted_event(event, self._state.room.version, by), by
        return event, None

    def _redact(self, event: Event) -> None:
        """If this is a redaction, apply it, or note it for when its target comes."""
        if event.type != REDACTION or event.redacts is None:
            return
        if self._is_placed(event.redacts):
            target = self._graph.item(event.redacts)
            if target is not None and self._may_redact(event, target.event):
                strip(self._state, target, event)
        else:
            self._state.redactions.append((event.redacts, event.event_id))

    def _is_placed(self, event_id: str) -> bool:
        return isinstance(self._graph.find(event_id), PlacedEvent)

    def _may_redact(self, by: Event, target: Event) -> bool:
        """Rooms since version 3: whoever has the power, and users of the target's server."""
        if domain_of(by.sender) == domain_of(target.sender):
            return True
        levels = self._state.levels
        return levels is not None and levels.may_redact_others(by.sender)
