"""What one user's devices need to know: the user's rooms, and which changed lately."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

UNREAD: Final = -1
"""Before every tick."""
NO_MESSAGE: Final = 2**62
"""Greater than the number of any message."""


@dataclass(frozen=True, slots=True)
class RoomPlace:
    """A user's place in a room: membership, and the event that made it.

    `(slot, pos)` is where that was written, `base_ord` the room's count of notifying
    events then (unread counts begin there), `forgotten` hides the room for ever.
    """

    room_nid: int
    membership: str
    event_id: str
    seq: int
    sender_nid: int
    base_ord: int
    forgotten: bool
    slot: int
    pos: int


@dataclass(slots=True)
class Inbox:
    """What this worker knows of a device's inbox.

    `last` is the number of the last message that was ever put in, `first` that of the oldest
    which is still there (`NO_MESSAGE`: none is). It is what the store had at `read_at`, the
    feed's `inbox_tick` before it was read.
    """

    read_at: int = -1
    last: int = 0
    first: int = NO_MESSAGE


class Feed:
    """A user who syncs on this worker.

    `places` are the user's rooms by internal id; `changed` maps rooms to the tick of their
    last change since `attached` (oldest change first), `user_tick` is the last change of the
    user's own data, `inbox_tick` the last message to any of the user's devices; `inboxes` are
    those of the devices that sync here. `forgotten` are the rooms that the user forgot while the places were
    being read. `presence_due` is the tick of the presence board up to which the user is to hear of it, -1
    where that is not known. `keys_tick` is the last change of the keys of anybody who shares an encrypted
    room. `counts` has for each
    device with one-time keys what answers say of them, as of `counts_read`; `counts_tick` is when any were
    uploaded or handed out last, `counts_moved` when a device's counts changed. `version` grows with every change; waiting syncs are woken then.
    """

    __slots__ = (
        "_loop",
        "_waiters",
        "attached",
        "changed",
        "counts",
        "counts_moved",
        "counts_read",
        "counts_tick",
        "forgotten",
        "inbox_tick",
        "inboxes",
        "keys_tick",
        "places",
        "presence_due",
        "ready",
        "used",
        "user_nid",
        "user_tick",
        "version",
    )

    def __init__(self, user_nid: int, attached: int) -> None:
        """Begin at a tick; `places` are filled by the loader."""
        self.user_nid = user_nid
        self.attached = attached
        self.places: dict[int, RoomPlace] = {}
        self.changed: OrderedDict[int, int] = OrderedDict()
        self.forgotten: set[int] = set()
        self.user_tick = 0
        self.inbox_tick = 0
        self.inboxes: dict[int, Inbox] = {}
        self.counts: dict[int, bytes] = {}
        self.counts_moved: dict[int, int] = {}
        self.counts_read = UNREAD
        self.counts_tick = 0
        self.keys_tick = 0
        self.presence_due = -1
        self.used = 0.0
        self.ready = False
        self.version = 0
        self._loop = asyncio.get_running_loop()  # costs a system call before Python 3.12
        self._waiters: set[asyncio.Future[None]] = set()

    def touch_room(self, nid: int, tick: int) -> None:
        """Note that a room changed."""
        self.changed[nid] = tick
        self.changed.move_to_end(nid)
        self.wake()

    def touch_user(self, tick: int) -> None:
        """Note that the user's own data changed."""
        self.user_tick = tick
        self.wake()

    def touch_inbox(self, tick: int) -> None:
        """Note that a device of the user got a message."""
        self.inbox_tick = tick
        self.wake()

    def touch_counts(self, tick: int) -> None:
        """Note that one-time keys of a device of the user were uploaded or handed out."""
        self.counts_tick = tick
        self.wake()

    def touch_keys(self, tick: int) -> None:
        """Note that somebody's keys changed, of those who share an encrypted room."""
        self.keys_tick = tick
        self.wake()

    def has_read(self, device_nid: int, number: int) -> bool:
        """Whether a device that has its messages up to a number surely has all.

        So has who has no device (number 0).
        """
        if not device_nid:
            return True
        inbox = self.inboxes.get(device_nid)
        return inbox is not None and inbox.read_at == self.inbox_tick and inbox.last <= number

    def changed_after(self, tick: int) -> list[int]:
        """The rooms that changed after a tick; the caller made sure it is not before `attached`."""
        found = []
        for nid in reversed(self.changed):
            if self.changed[nid] <= tick:
                break
            found.append(nid)
        return found

    def wake(self) -> None:
        """Wake every waiting sync."""
        self.version += 1
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    @property
    def waiting(self) -> bool:
        """Whether any sync waits here."""
        return bool(self._waiters)

    async def wait(self, seconds: float) -> None:
        """Wait for the next change, at most so long."""
        loop = self._loop
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiters.add(waiter)
        handle = loop.call_later(seconds, _release, waiter)
        try:
            await waiter
        finally:
            handle.cancel()
            self._waiters.discard(waiter)


def _release(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
