"""One batch while it is being computed: what several changes want stored together."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from homeserver.application.ports.tail import COPIED, DATA, INBOX, PUSHERS
from homeserver.domain.rooms.draft import RoomDraft

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.domain.rooms.draft import Mark
    from homeserver.domain.rooms.room import Head, Room


class Draft:
    """The batch in the making.

    `slot` is the writer's, `now` the batch's time in milliseconds. Changes add rows through
    store ports, which append to `writes` (kind of write → rows). Each row that readers look
    for by what is new takes `next_pos()`.
    """

    __slots__ = (
        *("_marks", "_seen", "_unit", "after", "now", "pos"),
        *("rooms", "slot", "stirred", "users", "writes"),
    )

    def __init__(self, slot: int, pos: int, now: int) -> None:
        """Begin after position `pos` of the slot's log."""
        self.slot = slot
        self.pos = pos
        self.now = now
        self.rooms: dict[int, RoomDraft] = {}
        self.stirred: dict[int, Room] = {}
        self.users: dict[int, int] = {}
        self.writes: dict[Any, list[tuple[Any, ...]]] = defaultdict(list)
        self.after: list[Callable[[], None]] = []
        self._marks: dict[int, Mark] = {}
        self._unit: tuple[int, dict[Any, int], int] | None = None
        self._seen = (0, 0)

    def next_pos(self) -> int:
        """Take the next position of this writer's log."""
        self.pos += 1
        return self.pos

    def room(self, room: Room) -> RoomDraft:
        """The room as this batch has it so far."""
        draft = self.rooms.get(room.nid)
        if draft is None:
            draft = self.rooms[room.nid] = RoomDraft(room)
        if room.nid not in self._marks:
            self._marks[room.nid] = draft.mark()
        return draft

    def write(self, kind: Any, row: tuple[Any, ...]) -> None:
        """Add a row; only store adapters call this, `kind` is theirs."""
        self.writes[kind].append(row)

    def touch_user(self, user_nid: int) -> None:
        """Note that something of this user changed: their syncs wake."""
        self.users[user_nid] = self.users.get(user_nid, 0) | DATA

    def touch_inbox(self, user_nid: int, *, told: bool = False) -> None:
        """Note that a device of this user got a message: their syncs wake, and look there only.

        `told`: an application service got a copy.
        """
        how = INBOX | COPIED if told else INBOX
        self.users[user_nid] = self.users.get(user_nid, 0) | how

    def touch_pushers(self, user_nid: int) -> None:
        """Note that a pusher of this user was set: the push role looks at it."""
        self.users[user_nid] = self.users.get(user_nid, 0) | PUSHERS

    def touch(self, user_nid: int, what: int) -> None:
        """Note what else of this user changed, a bit of `ports.tail`: their syncs wake."""
        self.users[user_nid] = self.users.get(user_nid, 0) | what

    def stir(self, room: Room) -> None:
        """Note that something of this room changed without an event (a receipt)."""
        self.stirred[room.nid] = room

    def on_commit(self, effect: Callable[[], None]) -> None:
        """Run `effect` once the batch is durable, before anybody is answered; it must not raise."""
        self.after.append(effect)

    def begin_change(self) -> None:
        """Remember where a change starts, so that a refused one leaves nothing behind."""
        self._marks = {}
        self._unit = (self.pos, {k: len(v) for k, v in self.writes.items()}, len(self.after))
        self._seen = (len(self.stirred), len(self.users))

    def looked_at(self) -> list[tuple[Room, Head]]:
        """The rooms that the change looked at, and the heads that the batch is computed on."""
        return [(self.rooms[nid].room, self.rooms[nid].base) for nid in self._marks]

    def has_changed(self) -> bool:
        """Whether anything was added since `begin_change`, but for effects."""
        if self._unit is None or self.pos != self._unit[0]:
            return True
        sizes, seen = self._unit[1], (len(self.stirred), len(self.users))
        if seen != self._seen or any(len(v) != sizes.get(k, 0) for k, v in self.writes.items()):
            return True
        return any(self.rooms[nid].mark() != mark for nid, mark in self._marks.items())

    def undo_change(self) -> None:
        """Take back everything since `begin_change`."""
        if self._unit is None:
            return
        self.pos, sizes, after = self._unit
        for kind, rows in self.writes.items():
            del rows[sizes.get(kind, 0) :]
        del self.after[after:]
        for nid, mark in self._marks.items():
            self.rooms[nid].undo(mark)
        stirred, users = self._seen
        _cut(self.stirred, stirred)
        _cut(self.users, users)


def _cut(ordered: dict[int, Any], size: int) -> None:
    while len(ordered) > size:
        ordered.popitem()
