"""Who changed keys lately, as this worker knows it from the logs."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from homeserver.application.ports.device_changes import Audience
from homeserver.application.ports.tail import KEYS, SIGNED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from homeserver.application.ports.device_changes import DeviceChanges
    from homeserver.application.sync.hub import Hub, News

KEPT: Final = 200_000
"""Users whose last change is remembered, and their rooms, all together."""
NEVER: Final = -1


class KeyChange(NamedTuple):
    """The last change of a user's keys: its tick, and the user's encrypted rooms then."""

    tick: int
    user_nid: int
    user_id: str
    rooms: frozenset[int]


class KeyBoard:
    """Learns of changes as their batches become visible, and wakes whom they concern.

    Whom a change concerns has to be read before: `expect` says it. What changed up to tick
    `floor` the board may have forgotten.
    """

    def __init__(self, hub: Hub, changes: DeviceChanges, keep: int = KEPT) -> None:
        """Listen to this hub."""
        self._hub = hub
        self._changes = changes
        self._keep = keep
        self._size = 0
        self._known: OrderedDict[int, KeyChange] = OrderedDict()
        self._signed: OrderedDict[int, int] = OrderedDict()
        self._expected: dict[int, Audience] = {}
        self.floor = NEVER
        hub.key_listeners.append(self._hear)

    def expect(self, user_nid: int, audience: Audience) -> None:
        """A batch that is about to become visible changed a user's keys."""
        other = self._expected.get(user_nid)
        rooms = audience.rooms if other is None else audience.rooms | other.rooms
        self._expected[user_nid] = Audience(audience.user_id, rooms)

    async def prepare(self, news: News) -> None:
        """Read whom the changes in other workers' batches concern."""
        users = [user for user, what in news.users.items() if what & KEYS]
        if users:
            for user_nid, audience in (await self._changes.audience(users)).items():
                self.expect(user_nid, audience)

    def last_signed(self, user_nid: int) -> int:
        """The tick at which a user last gave signatures that only the user sees."""
        return self._signed.get(user_nid, NEVER)

    def between(self, tick: int, until: int) -> Iterator[KeyChange]:
        """The changes after a tick, which is not below `floor`, up to another; last one first."""
        for change in reversed(self._known.values()):
            if change.tick <= tick:
                return
            if change.tick <= until:
                yield change

    def _hear(self, user_nid: int, what: int, tick: int) -> None:
        if what & KEYS:
            self._changed(user_nid, tick)
        if what & SIGNED:
            self._signed[user_nid] = tick
            self._signed.move_to_end(user_nid)
            if len(self._signed) > self._keep:
                self.floor = max(self.floor, self._signed.popitem(last=False)[1])
            self._wake(user_nid, tick)

    def _forget(self, user_nid: int) -> KeyChange | None:
        known = self._known.pop(user_nid, None)
        if known is not None:
            self._size -= 1 + len(known.rooms)
        return known

    def _wake(self, user_nid: int, tick: int) -> None:
        feed = self._hub.feeds.get(user_nid)
        if feed is not None:
            feed.touch_keys(tick)

    def _changed(self, user_nid: int, tick: int) -> None:
        audience = self._expected.pop(user_nid, None)
        known = self._forget(user_nid)
        if audience is None and known is not None:
            audience = Audience(known.user_id, known.rooms)  # another batch brought this, too
        if audience is None:
            return  # a change that was taken back
        self._known[user_nid] = KeyChange(tick, user_nid, *audience)
        self._size += 1 + len(audience.rooms)
        while self._size > self._keep and len(self._known) > 1:
            oldest = self._forget(next(iter(self._known)))
            if oldest is not None:
                self.floor = max(self.floor, oldest.tick)
        self._wake(user_nid, tick)
        for room in audience.rooms:
            for feed in self._hub.watchers(room):
                feed.touch_keys(tick)
