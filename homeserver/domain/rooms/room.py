"""A room as one worker holds it in memory: its newest state and the end of its log."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from homeserver.domain.receipts.placed import Receipts
from homeserver.domain.relations.parents import Parents
from homeserver.domain.rooms.floor import NO_FLOOR
from homeserver.domain.rooms.notices import Notices
from homeserver.domain.rooms.power_levels import PowerLevels

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from homeserver.domain.events.event import Event
    from homeserver.domain.receipts.placed import PlacedReceipt
    from homeserver.domain.rooms.branches import Gap
    from homeserver.domain.rooms.draft import RoomDraft
    from homeserver.domain.rooms.floor import Floor
    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.domain.rooms.versions import RoomVersion

StateKey = tuple[str, str]
TAIL = 64
CREATE: StateKey = ("m.room.create", "")
POWER_LEVELS: StateKey = ("m.room.power_levels", "")
MEMBER = "m.room.member"
HISTORY_VISIBILITY: StateKey = ("m.room.history_visibility", "")


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who is joined: internal id and member event."""

    nid: int
    event: Event


class Head(NamedTuple):
    """Where a room's log ends.

    `seq` is the last room position, `rev` the state revision, `depth` the greatest depth,
    `notify_ord` the number of notifying events, `extremities` the events that the next one
    follows. `(slot, pos)` is where the last change of the log or the state was written: whoever
    writes next builds on it.
    """

    seq: int = 0
    rev: int = 0
    depth: int = 0
    notify_ord: int = 0
    extremities: tuple[str, ...] = ()
    slot: int = 0
    pos: int = 0


@dataclass(frozen=True, slots=True)
class StateChange:
    """One key of a room's state took a value: at state revision `rev`, after event `seq`.

    `event` None means that the key has no value any more (state resolution took it away);
    `replaced` is the value before. `(slot, pos)` is where the change was written: of several
    at one `seq` it tells which ones the holder of a vector knows.
    """

    key: StateKey
    event: Event | None
    rev: int
    seq: int
    slot: int
    pos: int
    replaced: Event | None = None


class Room:
    """The live view of a room; it moves only by `absorb`, once a batch is durable.

    `state` maps (type, state key) to the current event, `state_seq` to the room position
    after which it holds. `members` has the joined members. `tail` has the newest events in
    room order, up to `TAIL`, nothing between them (no history with a `back` either: whoever
    adds some drops what is older from the tail); `tail_from` is the first of its positions.
    `changes` are those of the state since position `tail_from` - 1, that position included.
    `gaps` are the holes in the log by the position that they lie before, closed ones too.
    `state_bytes` keeps serialised current state events by id, `cached` whole answers until the
    next event. `certified` is the last position that readers may see (design: certified
    vector).
    `receipts` has everybody's receipts, `notices` what unread counts need beside them,
    `parents` the events of the tail that others relate to. What stands at `floor` or before was
    purged: nobody reads it, and the tail has none of it.
    """

    __slots__ = (
        "__weakref__",
        "_levels",
        "cached",
        "certified",
        "changes",
        "floor",
        "gaps",
        "head",
        "members",
        "nid",
        "notices",
        "parents",
        "receipts",
        "room_id",
        "state",
        "state_bytes",
        "state_seq",
        "tail",
        "version",
    )

    def __init__(self, nid: int, room_id: str, version: RoomVersion) -> None:
        """Begin with an empty log."""
        self.nid = nid
        self.room_id = room_id
        self.version = version
        self.head = Head()
        self.state: dict[StateKey, Event] = {}
        self.state_seq: dict[StateKey, int] = {}
        self.members: dict[str, Member] = {}
        self.tail: deque[TimelineEvent] = deque(maxlen=TAIL)
        self.changes: deque[StateChange] = deque()
        self.gaps: dict[int, Gap] = {}
        self.receipts = Receipts()
        self.notices = Notices()
        self.parents = Parents()
        self.floor = NO_FLOOR
        self.certified = 0
        self.cached: dict[object, bytes] = {}
        self.state_bytes: dict[str, bytes] = {}
        self._levels: PowerLevels | None = None

    @property
    def create(self) -> Event | None:
        """The create event; None in a room that is only being made."""
        return self.state.get(CREATE)

    @property
    def levels(self) -> PowerLevels:
        """The current power levels, parsed once. Raises KeyError before the create event."""
        if self._levels is None:
            self._levels = PowerLevels.of(
                self.version, self.state[CREATE], self.state.get(POWER_LEVELS)
            )
        return self._levels

    @property
    def tail_from(self) -> int:
        """The first room position that the tail holds; head + 1 where it holds none."""
        return self.tail[0].seq if self.tail else self.head.seq + 1

    def membership_of(self, user_id: str) -> str | None:
        """The user's current membership, None where there never was any."""
        event = self.state.get((MEMBER, user_id))
        return event.membership if event is not None else None

    def content_of(self, key: StateKey, field: str) -> object:
        """One field of a current state event's content, None where absent."""
        event = self.state.get(key)
        return event.content.get(field) if event is not None else None

    def load(
        self,
        head: Head,
        state: Iterable[tuple[StateKey, Event, int]],
        members: Iterable[tuple[str, int]],
        tail: Sequence[TimelineEvent],
        receipts: Iterable[PlacedReceipt] = (),
        muted: Iterable[int] = (),
        changes: Iterable[StateChange] = (),
        gaps: Mapping[int, Gap] | None = None,
        floor: Floor = NO_FLOOR,
    ) -> None:
        """Fill from the store: head, (key, event, seq) of the state, members' ids, newest events.

        `receipts` come in log order; `muted` are the positions of redacted notifying events;
        `changes` come in the order of their revisions.
        """
        self.head = head
        self.certified = head.seq
        for key, event, seq in state:
            self.state[key] = event
            self.state_seq[key] = seq
        for user_id, nid in members:
            self.members[user_id] = Member(nid, self.state[MEMBER, user_id])
        self.tail.extend(tail)
        self.parents.read(tail)
        self.changes.extend(changes)
        self.gaps = dict(gaps or {})
        self._prune()
        self.notices.catch_up(muted)
        self._take_floor(floor)
        for placed in receipts:
            self.receipts.place(placed)

    def catch_up(
        self,
        seen: Head,
        head: Head,
        changes: Iterable[StateChange],
        members: Iterable[tuple[str, int | None]],
        tail: Sequence[TimelineEvent],
        receipts: Iterable[PlacedReceipt] = (),
        muted: Iterable[int] = (),
        redacted: Iterable[TimelineEvent] = (),
        gaps: Mapping[int, Gap] | None = None,
        floor: Floor = NO_FLOOR,
    ) -> bool:
        """Take over what other writers committed after `seen`, read from the store.

        `changes` are those after `seen`'s revision, in order, `tail` the newest events after
        `seen`, `redacted` older events in their stripped form. Nothing happens where the room
        moved on meanwhile, and False is returned; `certified` stays where it is.
        """
        if self.head is not seen:
            return False
        self.head = head
        for change in changes:
            held = self.state.get(change.key)
            self.changes.append(replace(change, replaced=held))
            self._set(change.key, change.event, change.seq)
        for user_id, nid in members:
            self._set_member(user_id, nid)
        if tail and tail[0].seq != seen.seq + 1:
            self.tail.clear()
            self.parents.jump()
        self.tail.extend(tail)
        self.parents.read(tail)
        self.parents.prune(self.tail_from)
        for item in redacted:
            self._strip(item)
        self._take_gaps(gaps or {})
        self._prune()
        self.notices.catch_up(muted)
        self._take_floor(floor)
        for placed in receipts:
            self.receipts.place(placed)
        self.cached.clear()
        return True

    def absorb(self, draft: RoomDraft) -> None:
        """Take over what a committed draft added.

        A room that was read from the store meanwhile has it already. What moves neither
        position nor revision (history behind a gap) does not stop a batch, so it may have
        been read without it.
        """
        base = draft.base
        if (self.head.seq, self.head.rev) != (base.seq, base.rev):
            return
        self.head = draft.head
        for change in draft.changes:
            self._set(change.key, change.event, change.seq)
        for user_id, nid in draft.joined.items():
            self._set_member(user_id, nid)
        self.tail.extend(draft.events)  # before stripping: they may show what is stripped
        self.changes.extend(draft.changes)
        for item in draft.redacted:
            self._strip(item)
        if draft.side is not None:
            self._take_gaps(draft.side.gaps)
        if self.changes:
            self._prune()
        if draft.children:
            self.parents.note(draft.children)
            self.parents.prune(self.tail_from)
        self.notices.absorb(draft)
        self._take_floor(draft.floor)
        self.cached.clear()

    def _take_floor(self, floor: Floor) -> None:
        """Forget what was purged, and what was counted with it."""
        if floor.seq <= self.floor.seq:
            return
        self.floor = floor
        while self.tail and floor.hides(self.tail[0].seq):
            self.tail.popleft()
        self._prune()
        self.notices.catch_up([seq for seq in self.notices.muted if seq > floor.seq])

    def _take_gaps(self, gaps: Mapping[int, Gap]) -> None:
        """Note gaps that opened or moved; the tail ends where history stands in it."""
        for seq, gap in gaps.items():
            if gap.back and gap != self.gaps.get(seq):
                while self.tail and self.tail[0].seq < seq:
                    self.tail.popleft()
            self.gaps[seq] = gap

    def _prune(self) -> None:
        """Forget the changes from before the tail."""
        first = self.tail_from - 1
        while self.changes and self.changes[0].seq < first:
            self.changes.popleft()

    def newest_gap(self, after: int, until: int) -> int | None:
        """The last gap, open or closed, at a position after < seq <= until."""
        if not self.gaps:
            return None
        return max((seq for seq in self.gaps if after < seq <= until), default=None)

    def state_stayed_since(self, seq: int) -> bool:
        """Whether memory tells that no state changed at this position of the log or later."""
        return self.tail_from <= seq + 1 and (not self.changes or self.changes[-1].seq < seq)

    def _set(self, key: StateKey, event: Event | None, seq: int) -> None:
        held = self.state.get(key)
        if held is not None:
            self.state_bytes.pop(held.event_id, None)
        if event is None:
            self.state.pop(key, None)
            self.state_seq.pop(key, None)
        else:
            self.state[key] = event
            self.state_seq[key] = seq
        if key in (CREATE, POWER_LEVELS):
            self._levels = None

    def _set_member(self, user_id: str, nid: int | None) -> None:
        if nid is None:
            self.members.pop(user_id, None)
        else:
            self.members[user_id] = Member(nid, self.state[MEMBER, user_id])

    def _strip(self, stripped: TimelineEvent) -> None:
        """Put the redacted form of an event in the place of the original."""
        event = stripped.event
        for item in self.tail:
            if item.event.event_id == event.event_id:
                item.event, item.client = event, None
                item.redacted_because = stripped.redacted_because
            if item.replaced is not None and item.replaced.event_id == event.event_id:
                item.replaced, item.client = event, None  # `prev_content` shows it too
        if event.state_key is not None:
            key = (event.type, event.state_key)
            event = replace(event, redacted_because=stripped.redacted_because)
            self.changes = deque(
                replace(c, event=event) if c.event and c.event.event_id == event.event_id else c
                for c in self.changes
            )
            held = self.state.get(key)
            if held is not None and held.event_id == event.event_id:
                self.state[key] = event
                self.state_bytes.pop(event.event_id, None)
                if key == POWER_LEVELS:
                    self._levels = None
                if event.type == MEMBER and key[1] in self.members:
                    self.members[key[1]] = Member(self.members[key[1]].nid, event)
