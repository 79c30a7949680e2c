"""A room while one batch is being computed: the live view plus what the batch adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from homeserver.domain.events.limits import MAX_PREV_EVENTS
from homeserver.domain.relations.relation import Child, relation_of
from homeserver.domain.rooms.branches import Branches, StateAt, StateGroup
from homeserver.domain.rooms.power_levels import PowerLevels
from homeserver.domain.rooms.room import CREATE, POWER_LEVELS, Head, StateChange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.branches import StateMap
    from homeserver.domain.rooms.floor import Floor
    from homeserver.domain.rooms.notices import Highlight
    from homeserver.domain.rooms.room import Room, StateKey
    from homeserver.domain.rooms.timeline import TimelineEvent


class MembershipChange(NamedTuple):
    """A user's membership as the user's room list keeps it.

    With `gone` state resolution took `event` away and left nothing in its place.
    """

    user_id: str
    user_nid: int
    event: Event
    sender_nid: int
    seq: int
    base_ord: int
    pos: int
    gone: bool = False

    @property
    def membership(self) -> str:
        """What holds from now on."""
        return "leave" if self.gone else self.event.membership or "leave"


class Merge(NamedTuple):
    """What an event on a branch does to the room.

    `moves` are the keys of the room's state that change with it (None: no value any more),
    `extremities` the ends of all branches then, `state_ref` the group of the state after the
    event (None: the room's line is just that).
    """

    moves: Mapping[StateKey, Event | None]
    extremities: tuple[str, ...]
    state_ref: int | None


class Mark(NamedTuple):
    """How far a draft was: what `undo` goes back to."""

    head: Head
    events: int
    changes: int
    memberships: int
    highlights: int
    redacted: int
    redactions: int
    muted: int
    children: int
    broken: int
    side: Branches | None
    published: bool | None
    shown: bool
    floor: Floor


class RoomDraft:
    """Everything one batch adds to one room; nothing touches the room before the commit.

    `base` is the head that the batch was computed on, `head` the one it leaves.
    `redacted` are events in their stripped form, `redactions` pairs (redacted, redaction) of
    event ids, `muted` the positions of redacted events that `notify_ord` counts. `children`
    are the events that relate to others, `broken` those whose redaction ended that. `side` is
    what lies beside the room's line, None as long as that is nothing. `published` is whether the
    room stands in the directory from now on, None where that stays as it is; `shown` says that
    some network's directory shows it. `floor` is where the room's log begins from now on.
    """

    __slots__ = (
        "_levels",
        "_state",
        "base",
        "broken",
        "changes",
        "children",
        "events",
        "floor",
        "head",
        "highlights",
        "memberships",
        "muted",
        "published",
        "redacted",
        "redactions",
        "room",
        "shown",
        "side",
    )

    def __init__(self, room: Room) -> None:
        """Start from the room's head."""
        self.room = room
        self.base = self.head = room.head
        self.floor = room.floor
        self.events: list[TimelineEvent] = []
        self.changes: list[StateChange] = []
        self.memberships: list[MembershipChange] = []
        self.highlights: list[Highlight] = []
        self.redacted: list[TimelineEvent] = []
        self.redactions: list[tuple[str, str]] = []
        self.muted: list[int] = []
        self.children: list[Child] = []
        self.broken: list[Child] = []
        self.side: Branches | None = None
        self.published: bool | None = None
        self.shown = False
        self._state: dict[StateKey, Event | None] = {}
        self._levels: PowerLevels | None = None

    def state(self, event_type: str, state_key: str) -> Event | None:
        """The state event that holds at this point of the batch."""
        key = (event_type, state_key)
        if self._state and key in self._state:
            return self._state[key]
        return self.room.state.get(key)

    def current(self) -> dict[StateKey, Event]:
        """The whole state at this point of the batch."""
        held = {**self.room.state, **self._state}
        return {key: event for key, event in held.items() if event is not None}

    @property
    def levels(self) -> PowerLevels | None:
        """The power levels at this point; None before the create event."""
        if not self._state:
            return self.room.levels if self.room.state else None
        create = self.state(*CREATE)
        if create is None:
            return None
        if self._levels is None:
            self._levels = PowerLevels.of(self.room.version, create, self.state(*POWER_LEVELS))
        return self._levels

    @property
    def changed(self) -> bool:
        """Whether the batch adds anything to this room."""
        if self.published is not None or self.shown:
            return True
        return self.head is not self.base or bool(self.redacted) or self.side is not None

    @property
    def is_plain(self) -> bool:
        """Whether it adds nothing but live events that change no state and strip nothing."""
        plain = not (self.changes or self.redacted or self.redactions or self.side is not None)
        return plain and not self.purges

    @property
    def purges(self) -> bool:
        """Whether history goes with this batch."""
        return self.floor.seq > self.room.floor.seq

    @property
    def joined(self) -> dict[str, int | None]:
        """Who is joined (internal id) or no longer joined (None) because of this batch."""
        return {c.user_id: c.user_nid if c.membership == "join" else None for c in self.memberships}

    @property
    def branches(self) -> Branches:
        """`side`, made at the first use."""
        if self.side is None:
            self.side = Branches()
        return self.side

    def append(self, item: TimelineEvent, merge: Merge | None = None) -> None:
        """Add the next event of the room; its `seq` must be the head's plus one.

        Without `merge` it follows all extremities, or the newest that one event can cite.
        """
        event, head = item.event, self.head
        rev = head.rev
        if merge is not None:
            rev += 1
            for key, value in merge.moves.items():
                held = self._change(key, value, rev, item.seq, item.slot, item.pos)
                if value is event:
                    item.replaced = held
            item.state_ref = merge.state_ref
            extremities = merge.extremities
        else:
            extremities = (event.event_id,)
            if len(head.extremities) > MAX_PREV_EVENTS:
                left = [e for e in head.extremities if e not in event.prev_events]
                extremities = (*left, event.event_id)
            if event.state_key is not None:
                rev += 1
                key = (event.type, event.state_key)
                item.replaced = self._change(key, event, rev, item.seq, item.slot, item.pos)
        self.head = Head(
            seq=item.seq,
            rev=rev,
            depth=max(head.depth, event.depth),
            notify_ord=item.notify_ord,
            extremities=extremities,
            slot=head.slot,
            pos=head.pos,
        )
        self.events.append(item)
        self.relate(item)

    def relate(self, item: TimelineEvent) -> None:
        """Note what an event of this batch relates to."""
        relation = relation_of(item.event)
        if relation is not None:
            self.children.append(Child(relation, item))

    def unrelate(self, item: TimelineEvent) -> None:
        """Note that an event, about to be stripped, will relate to nothing any more."""
        relation = relation_of(item.event)
        if relation is not None:
            self.broken.append(Child(relation, item))

    def move_state(
        self,
        moves: Mapping[StateKey, Event | None],
        extremities: tuple[str, ...],
        *,
        slot: int,
        pos: int,
        group_nid: int,
    ) -> None:
        """Move the state without an event, at the head's position and a new revision.

        The event that stands there keeps the state that it had, as group `group_nid`.
        """
        head = self.head
        if moves:
            self._pin(group_nid)
        for key, event in moves.items():
            self._change(key, event, head.rev + 1, head.seq, slot, pos)
        self.head = head._replace(rev=head.rev + 1, extremities=extremities)

    def purge(self, floor: Floor) -> None:
        """Let the log begin behind a position, which must lie before the head.

        The revision moves with it, so that nobody builds on the room as it was before.
        """
        self.floor = floor
        self.head = self.head._replace(rev=self.head.rev + 1)

    def line_after(self, seq: int) -> StateMap:
        """The room's state after event `seq`, the head or an event of this batch, by ids."""
        state = {key: event.event_id for key, event in self.room.state.items()}
        for change in self.changes:
            if change.seq > seq:
                break
            if change.event is None:
                state.pop(change.key, None)
            else:
                state[change.key] = change.event.event_id
        return state

    def _pin(self, group_nid: int) -> None:
        """Note what the head's event stood for, before the line moves under it."""
        side, last = self.branches, self.events[-1] if self.events else None
        if last is None and self.head.seq not in side.pinned:
            side.pinned[self.head.seq] = group_nid
        elif last is not None and last.state_ref is None:
            last.state_ref = group_nid
            state = StateAt(self.line_after(last.seq), group_nid)
            side.states[last.event.event_id] = state
        else:
            return
        side.groups.append(StateGroup(group_nid, self.head.rev, {}))

    def _change(
        self, key: StateKey, event: Event | None, rev: int, seq: int, slot: int, pos: int
    ) -> Event | None:
        """Set a key; return what it had before."""
        held = self.state(*key)
        self.changes.append(StateChange(key, event, rev, seq, slot, pos, held))
        self._state[key] = event
        if key in (CREATE, POWER_LEVELS):
            self._levels = None
        return held

    def mark(self) -> Mark:
        """Remember this point."""
        return Mark(
            self.head,
            len(self.events),
            len(self.changes),
            len(self.memberships),
            len(self.highlights),
            len(self.redacted),
            len(self.redactions),
            len(self.muted),
            len(self.children),
            len(self.broken),
            self.side.copy() if self.side is not None else None,
            self.published,
            self.shown,
            self.floor,
        )

    def undo(self, mark: Mark) -> None:
        """Go back to a remembered point."""
        self.head = mark.head
        del self.events[mark.events :]
        del self.changes[mark.changes :]
        del self.memberships[mark.memberships :]
        del self.highlights[mark.highlights :]
        del self.redacted[mark.redacted :]
        del self.redactions[mark.redactions :]
        del self.muted[mark.muted :]
        del self.children[mark.children :]
        del self.broken[mark.broken :]
        self.side = mark.side
        self.published = mark.published
        self.shown = mark.shown
        self.floor = mark.floor
        self._state = {change.key: change.event for change in self.changes}
        self._levels = None
