"""Following everybody's logs: who is to be notified of what, each event once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from homeserver.application.ports.push_log import BADGE, Notice
from homeserver.application.push.addressed import addressed
from homeserver.application.push.read_batches import Touched, read_batches
from homeserver.application.push.room_news import RoomNews
from homeserver.domain.push.retry import MAX_AGE_MS
from homeserver.domain.sync.vector import Vector

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.push_audience import PushAudience
    from homeserver.application.ports.push_log import PushCursor, PushLog
    from homeserver.application.ports.pusher_store import StoredPusher
    from homeserver.application.ports.tail import TailReader
    from homeserver.application.push.badges import Badges
    from homeserver.application.push.figures import PushFigures
    from homeserver.application.push.outbox import Outbox
    from homeserver.application.push.readers import RoomReaders
    from homeserver.application.push.room_news import Found, RoomLooker
    from homeserver.application.sync.hub import Hub

UNSTORED_BATCHES: Final = 10_000
"""Batches that notified nobody after which the cursor is stored all the same."""


class FollowParts(NamedTuple):
    """What following works with."""

    log: PushLog
    audience: PushAudience
    tail: TailReader
    hub: Hub
    readers: RoomReaders
    rooms: RoomLooker
    badges: Badges
    clock: Clock
    figures: PushFigures


class FollowLogs:
    """Turns what was written into notices. Its holder's alone: see `PushLog.take`."""

    def __init__(self, parts: FollowParts, cursor: PushCursor, outbox: Outbox) -> None:
        """Go on from a cursor that was taken; what pushers are owed goes to the outbox."""
        self._parts = parts
        self._outbox = outbox
        self._unstored = 0
        self.cursor = cursor

    async def __call__(self) -> bool:
        """Look at what came since the last call; False where there was nothing.

        It goes no further than this worker's certified vector: what that covers, rooms in
        memory have. Raises RoleLostError, and the store's errors; after any of them the role is
        to be taken anew.
        """
        upto = {**(self.cursor.vector or {}), **_ahead(self.cursor, self._parts.hub)}
        if self.cursor.vector is None:
            await self._store(upto, [])  # nobody is told of what was before
            return True
        if upto == self.cursor.vector:
            return False
        touched = await read_batches(self._parts.tail, self.cursor.vector, upto)
        if touched is None:
            await self.skip()
            return True
        found, moved = await self._look(touched, Vector(self.cursor.vector))
        notices = await self._notices(found, moved)
        self._unstored += touched.batches
        if notices or self._unstored >= UNSTORED_BATCHES:
            await self._store(upto, notices)
        else:
            self.cursor = replace(self.cursor, vector=upto)
        return True

    async def skip(self) -> None:
        """Look at nothing that was written up to now, and go on from there."""
        self._parts.figures.skipped += 1
        ahead = _ahead(self.cursor, self._parts.hub)
        await self._store({**(self.cursor.vector or {}), **ahead}, [])

    async def _look(self, touched: Touched, since: Vector) -> tuple[list[Found], dict[int, str]]:
        """What notifies whom, and whose counts may have fallen (number → id)."""
        parts = self._parts
        equipped = touched.equipped()
        if equipped:
            parts.readers.forget(await parts.audience.rooms_of(equipped))
        news = RoomNews(parts.readers, parts.rooms, parts.badges, since, touched)
        await news.read(touched.rooms)
        return news.found, news.moved | parts.badges.renew([*touched.changed(), *equipped])

    async def _notices(self, found: Sequence[Found], moved: Mapping[int, str]) -> list[Notice]:
        """What each pusher of these users is owed, in the order of what happened."""
        told = {each.user_nid for each in found}
        fallen = [
            user
            for user, user_id in moved.items()
            if user not in told and await self._parts.badges.fell(user, user_id)
        ]
        if not told and not fallen:
            return []
        pushers = await self._parts.audience.pushers([*told, *fallen])
        now = self._parts.clock.now_ms()
        number, notices = self.cursor.notices, list[Notice]()
        for each in sorted(found, key=lambda each: each.order):
            for pusher, host in _hosts(pushers.get(each.user_nid, ())):
                if pusher.created_ts <= each.ts and each.ts > now - MAX_AGE_MS:
                    number += 1
                    lane, place = (pusher.user_nid, pusher.key), (each.room_nid, each.seq)
                    notices.append(Notice(lane, number, *place, each.ts, host, each.tweaks))
        for user in fallen:
            for pusher, host in _hosts(pushers.get(user, ())):
                lane = (pusher.user_nid, pusher.key)
                if not self._outbox.owes_badge(lane):
                    number += 1
                    notices.append(Notice(lane, number, BADGE, 0, now, host))
        return notices

    async def _store(self, upto: Mapping[int, int], notices: Sequence[Notice]) -> None:
        numbers = max([self.cursor.notices, *(notice.number for notice in notices)])
        cursor = replace(self.cursor, vector=upto, notices=numbers)
        self.cursor = await self._parts.log.store(cursor, notices)
        self._unstored = 0
        self._outbox.add(notices)


def _ahead(cursor: PushCursor, hub: Hub) -> dict[int, int]:
    """Where the certified vector is ahead of the cursor; another worker may have been further."""
    at = cursor.vector or {}
    return {slot: pos for slot, pos in hub.ticks.vector if pos > at.get(slot, 0)}


def _hosts(pushers: Iterable[StoredPusher]) -> Iterable[tuple[StoredPusher, str]]:
    return ((pusher, addressed(pusher).host) for pusher in pushers)
