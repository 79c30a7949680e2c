"""Unread counts of the main timeline and of each thread (Client-Server API, "Threading").

`tests/integration/user_data/test_unread_threads.py` shows that they equal the evaluation of
every event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from homeserver.application.sync.by_thread import (
    Reader,
    ThreadedUnread,
    by_ordinals,
    by_positions,
    mentions,
)
from homeserver.application.sync.unread import NOTHING_UNREAD, read_place, read_whole
from homeserver.domain.push.room_rules import Mode
from homeserver.domain.rooms.notices import MOST, NO_EVENT
from homeserver.domain.rooms.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.application.sync.feed import RoomPlace
    from homeserver.application.sync.unread import Unread, UnreadCounts, UnreadStore
    from homeserver.domain.rooms.notices import OwnPlace
    from homeserver.domain.rooms.room import Room


_NO_THREADS: Final[Mapping[str, Unread]] = {}


class ThreadCounts:
    """Counts by thread. Rooms without threads cost what they cost else."""

    def __init__(self, store: UnreadStore, unread: UnreadCounts) -> None:
        """Read from this store what the room has not in memory."""
        self._store = store
        self._unread = unread

    async def of(self, room: Room, user_id: str, user_nid: int, place: RoomPlace) -> ThreadedUnread:
        """Count for somebody who is joined; `place` is theirs in this room.

        An event of the user's own says that what came before it in its thread was read, or in the
        main timeline. Of a room's threads the newest events count (`notices.MOST`).
        """
        whole = read_whole(room, user_id, place)
        if whole.seq >= room.head.seq:
            return ThreadedUnread(NOTHING_UNREAD, _NO_THREADS)
        while True:
            threads = await self._threads(room)
            if not threads:
                return ThreadedUnread(
                    await self._unread.of(room, user_id, user_nid, place), _NO_THREADS
                )
            found = await self._of(room, threads, (user_id, user_nid), place)
            if found is not None and room.notices.threads is threads:
                return found

    async def _of(
        self, room: Room, threads: Threads, reader: tuple[str, int], place: RoomPlace
    ) -> ThreadedUnread | None:
        """Count; None where the threads were lost meanwhile."""
        user_id, user_nid = reader
        wishes = await self._unread.wishes_in(room, user_nid)
        if wishes.mode is Mode.NOTHING:
            return ThreadedUnread(NOTHING_UNREAD, _NO_THREADS)
        low = max(read_whole(room, user_id, place), threads.floor)
        if not await self._remember(room, threads, user_nid, low.seq):
            return None
        tally = None
        if wishes.mode is Mode.TALLY:
            tally = await self._unread.tallies.of(
                room, reader, wishes.lines, wishes.ignored, low.seq
            )
        # nothing is awaited from here on: all that follows is of one moment
        low = max(read_whole(room, user_id, place), threads.floor)
        main = max(low, read_place(room, user_id, place), threads.own_main.get(user_nid, NO_EVENT))
        who = Reader(user_id, user_nid, low, main)
        if tally is not None:
            return by_positions(room, threads, who, tally.notified, tally.highlighted)
        counts = by_ordinals(room, threads, who)
        return mentions(counts) if wishes.mode is Mode.MENTIONS else counts

    async def _threads(self, room: Room) -> Threads:
        """The room's threads, read where they are not in memory."""
        notices = room.notices
        while notices.threads is None:
            version, until = notices.stripped, room.head.seq
            found = await self._store.threads(room.nid, room.floor.seq, until, MOST)
            cut = sum(event.is_thread for event in found) >= MOST
            later = [item for item in room.tail if item.seq > until]
            whole = room.tail_from <= until + 1
            if notices.stripped == version and notices.threads is None and whole:
                threads = Threads(found, cut=cut)
                threads.read(later)
                notices.threads = threads
        return notices.threads

    async def _remember(self, room: Room, threads: Threads, user_nid: int, after: int) -> bool:
        """Load what concerns the user; False where the threads were lost meanwhile."""
        notices = room.notices
        while user_nid not in threads.own_main or user_nid not in threads.highlights:
            version, until = notices.version, room.head.seq
            own = await self._newest_in_main(room, threads, user_nid, until + 1)
            found = await self._store.highlights(room.nid, user_nid, after)
            if notices.threads is not threads:
                return False
            if notices.version == version and room.head.seq == until:
                threads.own_main[user_nid] = own
                threads.highlights[user_nid] = {each.seq: each for each in found}
        return True

    async def _newest_in_main(
        self, room: Room, threads: Threads, user_nid: int, before: int
    ) -> OwnPlace:
        """The user's newest event that is in no thread."""
        while True:
            own = await self._store.newest_in_main(room.nid, user_nid, before)
            if own is None:
                return NO_EVENT
            if own.seq not in threads.at:
                return own
            before = own.seq
