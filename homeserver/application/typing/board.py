"""Who is typing where: in memory, with an end that comes by itself.

Not in the log: after a restart nobody types until the next keystroke (design §2).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from homeserver.domain.rooms.membership import JOIN

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from homeserver.application.ports.clock import Clock
    from homeserver.application.sync.hub import Hub
    from homeserver.domain.rooms.draft import RoomDraft
    from homeserver.domain.rooms.room import Room

MAX_SECONDS: Final = 120.0
MAX_ROOMS: Final = 20_000
MAX_USERS: Final = 500
"""Typists of one room; who comes after them is not shown."""
_SENT: Final = frozenset({"m.room.message", "m.room.encrypted", "m.sticker"})


class _Typist:
    __slots__ = ("own", "timer", "until")

    def __init__(self, until: float, timer: asyncio.TimerHandle, *, own: bool) -> None:
        self.until = until
        self.timer = timer
        self.own = own


class TypingBoard:
    """The typists of this worker's rooms.

    `tick` grows with each change; it means nothing outside this process. `tell` hears of what
    clients ask of this worker (room, user, seconds; None: no longer), and where such a typist
    sent or left; not of ends that came by themselves, as they do everywhere.
    """

    def __init__(self, hub: Hub, clock: Clock) -> None:
        """Tell the hub of changes, and hear from it who sent or left."""
        self._hub = hub
        self._clock = clock
        self.tick = 0
        self._typists: dict[int, dict[str, _Typist]] = {}
        self._changed: OrderedDict[int, int] = OrderedDict()
        self.tell: Callable[[int, str, float | None], None] | None = None
        hub.listeners.append(self._absorb)
        hub.room_listeners.append(self._look_after)

    def users(self, room_nid: int) -> list[str]:
        """Who is typing in a room, who began first comes first."""
        return list(self._typists.get(room_nid, ()))

    def in_any_of(self, room_nids: Container[int]) -> bool:
        """Whether anybody types in one of these rooms."""
        return any(nid in room_nids for nid in self._typists)

    def changed_since(self, room_nid: int, tick: int) -> bool:
        """Whether the list of a room changed after a tick."""
        return self._changed.get(room_nid, 0) > tick

    def rooms_changed_since(self, tick: int) -> list[int]:
        """The rooms whose list changed after a tick, latest first."""
        found = []
        for nid in reversed(self._changed):
            if self._changed[nid] <= tick:
                break
            found.append(nid)
        return found

    def start(self, room_nid: int, user_id: str, seconds: float, *, own: bool = True) -> None:
        """Show a user as typing, for at most `MAX_SECONDS`; typing already: for longer.

        `own` are those who said so to this worker.
        """
        seconds = min(seconds, MAX_SECONDS)
        typists = self._typists.setdefault(room_nid, {})
        known = typists.get(user_id)
        if known is not None:
            known.timer.cancel()
        elif len(typists) >= MAX_USERS or len(self._typists) > MAX_ROOMS:
            self._drop_if_empty(room_nid)
            return
        timer = self._arm(room_nid, user_id, seconds)
        typists[user_id] = _Typist(self._clock.monotonic() + seconds, timer, own=own)
        if known is None:
            self._note(room_nid)
        if own:
            self._tell(room_nid, user_id, seconds)

    def stop(self, room_nid: int, user_id: str, *, own: bool = False) -> None:
        """Take a user off the list, where they are on it.

        With `own` they said so to this worker: others may have them on theirs.
        """
        typist = self._remove(room_nid, user_id)
        if own or (typist is not None and typist.own):
            self._tell(room_nid, user_id, None)

    def close(self) -> None:
        """Stop all timers."""
        for typists in self._typists.values():
            for typist in typists.values():
                typist.timer.cancel()
        self._typists.clear()

    def _arm(self, room_nid: int, user_id: str, seconds: float) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, self._expire, room_nid, user_id)

    def _expire(self, room_nid: int, user_id: str) -> None:
        typist = self._typists[room_nid][user_id]
        left = typist.until - self._clock.monotonic()
        if left > 0:  # the loop's clock runs ahead of ours
            typist.timer = self._arm(room_nid, user_id, left)
        else:
            self._remove(room_nid, user_id)

    def _remove(self, room_nid: int, user_id: str) -> _Typist | None:
        typist = self._typists.get(room_nid, {}).pop(user_id, None)
        if typist is not None:
            typist.timer.cancel()
            self._drop_if_empty(room_nid)
            self._note(room_nid)
        return typist

    def _tell(self, room_nid: int, user_id: str, seconds: float | None) -> None:
        if self.tell is not None:
            self.tell(room_nid, user_id, seconds)

    def _look_after(self, room: Room) -> None:
        """Another worker changed a room's state: who is no longer joined does not type."""
        for user_id in self.users(room.nid):
            if room.membership_of(user_id) != JOIN:
                self.stop(room.nid, user_id)

    def _absorb(self, draft: RoomDraft) -> None:
        """Who sent a message or is no longer joined does not type."""
        nid = draft.room.nid
        if nid not in self._typists:
            return
        for item in draft.events:
            if item.event.type in _SENT:
                self.stop(nid, item.event.sender)
        for change in draft.memberships:
            if change.membership != JOIN:
                self.stop(nid, change.user_id)

    def _drop_if_empty(self, room_nid: int) -> None:
        if not self._typists[room_nid]:
            del self._typists[room_nid]

    def _note(self, room_nid: int) -> None:
        self.tick += 1
        self._changed[room_nid] = self.tick
        self._changed.move_to_end(room_nid)
        if len(self._changed) > 2 * MAX_ROOMS:
            self._changed.popitem(last=False)
        self._hub.stir(room_nid)
