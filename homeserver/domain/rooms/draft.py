"""A room while one batch is being computed: the live view plus what the batch adds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from homeserver.domain.rooms.power_levels import PowerLevels
from homeserver.domain.rooms.room import CREATE, POWER_LEVELS, StateChange

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.notices import Highlight
    from homeserver.domain.rooms.room import Head, Room, StateKey
    from homeserver.domain.rooms.timeline import TimelineEvent


class MembershipChange(NamedTuple):
    """A user's membership as the user's room list keeps it."""

    user_id: str
    user_nid: int
    event: Event
    sender_nid: int
    seq: int
    base_ord: int
    pos: int


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


class RoomDraft:
    """Everything one batch adds to one room; nothing touches the room before the commit.

    `base` is the head that the batch was computed on, `head` the one it leaves.
    `redacted` are events in their stripped form, `redactions` pairs (redacted, redaction) of
    event ids, `muted` the positions of redacted events that `notify_ord` counts.
    """

    __slots__ = (
        "_levels",
        "_state",
        "base",
        "changes",
        "events",
        "head",
        "highlights",
        "memberships",
        "muted",
        "redacted",
        "redactions",
        "room",
    )

    def __init__(self, room: Room) -> None:
        """Start from the room's head."""
        self.room = room
        self.base = self.head = room.head
        self.events: list[TimelineEvent] = []
        self.changes: list[StateChange] = []
        self.memberships: list[MembershipChange] = []
        self.highlights: list[Highlight] = []
        self.redacted: list[TimelineEvent] = []
        self.redactions: list[tuple[str, str]] = []
        self.muted: list[int] = []
        self._state: dict[StateKey, Event | None] = {}
        self._levels: PowerLevels | None = None

    def state(self, event_type: str, state_key: str) -> Event | None:
        """The state event that holds at this point of the batch."""
        key = (event_type, state_key)
        if self._state and key in self._state:
            return self._state[key]
        return self.room.state.get(key)

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
        return self.head is not self.base or bool(self.redacted)

    @property
    def joined(self) -> dict[str, int | None]:
        """Who is joined (internal id) or no longer joined (None) because of this batch."""
        return {
            c.user_id: c.user_nid if c.event.membership == "join" else None
            for c in self.memberships
        }

    def append(self, item: TimelineEvent) -> None:
        """Add the next event of the room; its `seq` must be the head's plus one."""
        event, head = item.event, self.head
        rev = head.rev
        if event.state_key is not None:
            rev += 1
            self._change((event.type, event.state_key), event, rev, item)
        self.head = replace(
            head,
            seq=item.seq,
            rev=rev,
            depth=max(head.depth, event.depth),
            notify_ord=item.notify_ord,
            extremities=(event.event_id,),
        )
        self.events.append(item)

    def _change(self, key: StateKey, event: Event, rev: int, item: TimelineEvent) -> None:
        held = self.state(*key)
        item.replaced = held
        self.changes.append(
            StateChange(
                key=key,
                event=event,
                rev=rev,
                seq=item.seq,
                slot=item.slot,
                pos=item.pos,
                replaces=held is not None,
            )
        )
        self._state[key] = event
        if key in (CREATE, POWER_LEVELS):
            self._levels = None

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
        self._state = {change.key: change.event for change in self.changes}
        self._levels = None
