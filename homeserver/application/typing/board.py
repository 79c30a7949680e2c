"""Who is typing where: in memory, with an end that comes by itself.

Not in the log: after a restart nobody types until the next keystroke (design §2).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from homeserver.domain.rooms.membership import JOIN

if TYPE_CHECKING:
    from collections.abc import Container

    from homeserver.application.ports.clock import Clock
    from homeserver.application.sync.hub import Hub
    from homeserver.domain.rooms.draft import RoomDraft

MAX_SECONDS: Final = 120.0
MAX_ROOMS: Final = 20_000
MAX_USERS: Final = 500
"""Typists of one room; who comes after them is not shown."""
_SENT: Final = frozenset({"m.room.message", "m.room.encrypted", "m.sticker"})


class _Typist:
    __slots__ = ("timer", "until")

    def __init__(self, until: float, timer: asyncio.TimerHandle) -> None:
        self.until = until
        self.timer = timer


class TypingBoard:
    """The typists of this worker's rooms.

    `tick` grows with each change; it means nothing outside this process.
    """

    def __init__(self, hub: Hub, clock: Clock) -> None:
        """Tell the hub of changes, and hear from it who sent or left."""
        self._hub = hub
        self._clock = clock
        self.tick = 0
        self._typists: dict[int, dict[str, _Typist]] = {}
        self._changed: OrderedDict[int, int] = OrderedDict()
        hub.listeners.append(self._absorb)

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

    def start(self, room_nid: int, user_id: str, seconds: float) -> None:
        """Show a user as typing, for at most `MAX_SECONDS`; typing already: for longer."""
        seconds = min(seconds, MAX_SECONDS)
        typists = self._typists.setdefault(room_nid, {})
        known = typists.get(user_id)
        if known is not None:
            known.timer.cancel()
        elif len(typists) >= MAX_USERS or len(self._typists) > MAX_ROOMS:
            self._drop_if_empty(room_nid)
            return
        timer = self._arm(room_nid, user_id, seconds)
        typists[user_id] = _Typist(self._clock.monotonic() + seconds, timer)
        if known is None:
            self._note(room_nid)

    def stop(self, room_nid: int, user_id: str) -> None:
        """Take a user off the list, where they are on it."""
        typist = self._typists.get(room_nid, {}).pop(user_id, None)
        if typist is not None:
            typist.timer.cancel()
            self._drop_if_empty(room_nid)
            self._note(room_nid)

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
            self.stop(room_nid, user_id)

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
