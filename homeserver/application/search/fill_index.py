"""Filling the index from the logs: each event once, in the order of its room."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from homeserver.application.ports.search_log import Changes, Stretch
from homeserver.application.ports.tail import MOVED
from homeserver.application.search.read_people import read_people
from homeserver.application.search.read_texts import read_texts
from homeserver.domain.sync.vector import Vector

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from homeserver.application.ports.search_log import FillCursor, LoggedEvent, SearchLog
    from homeserver.application.ports.tail import BatchRow, TailReader
    from homeserver.application.ports.user_directory import UserDirectory

EVENTS_AT_ONCE = 400
"""Read, and written in one transaction."""
ROOMS_AT_ONCE = 64
BATCHES_AT_ONCE = 1000
UNSTORED_BATCHES = 10_000
"""Batches without events after which the cursor is stored all the same."""


class FillIndex:
    """Brings the index up to the logs. Its holder's alone: see `SearchLog.take`."""

    def __init__(
        self, log: SearchLog, directory: UserDirectory, tail: TailReader, cursor: FillCursor
    ) -> None:
        """Go on from a cursor that was taken."""
        self._log = log
        self._directory = directory
        self._tail = tail
        self._cursor = cursor
        self._unstored = 0

    async def __call__(self) -> bool:
        """Read what came since the last call; False where there was nothing.

        Raises RoleLostError, and the store's errors; after any of them the role is to be taken
        anew.
        """
        if self._cursor.vector is None:
            return await self._read_all_rooms()
        at = dict(self._cursor.vector)
        _, upto = await self._tail.positions()
        ahead = {slot: pos for slot, pos in upto.items() if at.get(slot, 0) < pos}
        if not ahead:
            return False
        rows = await self._tail.batches(at, ahead, BATCHES_AT_ONCE)
        if not _goes_on(at, rows):  # the cursor is older than the logs that were kept
            self._cursor = replace(self._cursor, vector=None)
            return True
        heads, moved = _touched(rows)
        await self._read_rooms(heads, moved)
        at.update({row.slot: row.pos_to for row in rows})
        self._unstored += len(rows)
        self._cursor = replace(self._cursor, vector=at)
        if self._unstored > UNSTORED_BATCHES:
            await self._store(Changes())
        return True

    async def _read_all_rooms(self) -> bool:
        """The first time: every room up to its head; what comes meanwhile is in the logs."""
        _, upto = await self._tail.positions()
        after = 0
        while rooms := await self._log.behind(after, ROOMS_AT_ONCE):
            await self._read_live(rooms)
            after = max(rooms)
        self._cursor = replace(self._cursor, vector=upto)
        await self._store(Changes())
        return True

    async def _read_rooms(self, heads: Mapping[int, int], moved: Sequence[int]) -> None:
        nids = sorted(heads)
        for start in range(0, len(nids), ROOMS_AT_ONCE):
            some = nids[start : start + ROOMS_AT_ONCE]
            await self._read_live({nid: heads[nid] for nid in some})
        if moved:
            late = await self._log.arrived_late(moved, Vector(self._cursor.vector))
            for start in range(0, len(late), EVENTS_AT_ONCE):
                await self._store_late(late[start : start + EVENTS_AT_ONCE])

    async def _read_live(self, heads: Mapping[int, int]) -> None:
        """Read rooms on to these positions."""
        known = await self._log.read_upto(heads.keys())
        waiting = {
            nid: Stretch((known.get(nid, 0), 0), head)
            for nid, head in heads.items()
            if known.get(nid, 0) < head
        }
        while waiting:
            asked, left = _some(waiting)
            items = await self._log.events(asked, EVENTS_AT_ONCE)
            whole = len(items) < EVENTS_AT_ONCE
            last = None if whole else items[-1]
            changes = await read_texts(self._log, items, early=self._cursor.early)
            # a room's progress is a seq: history behind that may be read, and stored, twice
            changes.renewed.update(i.place for i in items if i.place[2] < 0)
            changes.rooms, unread = _progress(asked, last)
            waiting = unread | left
            await read_people(self._directory, items, changes)
            await self._store(changes)

    async def _store_late(self, items: Sequence[LoggedEvent]) -> None:
        """Store history that filled a gap; it may have been read with what came after it."""
        changes = await read_texts(self._log, items, early=self._cursor.early)
        changes.renewed.update(item.place for item in items)
        await self._store(changes)

    async def _store(self, changes: Changes) -> None:
        """Store a step, then leave the store to others for as long."""
        began = asyncio.get_running_loop().time()
        self._cursor = await self._log.store(self._cursor, changes)
        self._unstored = 0
        await asyncio.sleep(asyncio.get_running_loop().time() - began)


def _goes_on(at: Mapping[int, int], rows: Sequence[BatchRow]) -> bool:
    """Whether batches follow on a vector without a hole."""
    last = dict(at)
    for row in rows:
        if row.pos_from != last.get(row.slot, 0) + 1:
            return False
        last[row.slot] = row.pos_to
    return bool(rows)


def _touched(rows: Sequence[BatchRow]) -> tuple[dict[int, int], list[int]]:
    """The rooms that batches added to, with their last positions; those that did more than grow."""
    heads: dict[int, int] = {}
    moved: dict[int, None] = {}
    for row in rows:
        for nid, seq, how in row.rooms:
            heads[nid] = max(seq, heads.get(nid, 0))
            if how & MOVED:
                moved[nid] = None
    return heads, list(moved)


def _some(
    waiting: Mapping[int, Stretch],
) -> tuple[dict[int, Stretch], dict[int, Stretch]]:
    """The first rooms, with about as many events as are read at once, and the others.

    A statement over more would find, and sort, what its limit then throws away.
    """
    events = 0
    asked: dict[int, Stretch] = {}
    left: dict[int, Stretch] = {}
    for nid, stretch in waiting.items():
        (asked if events < EVENTS_AT_ONCE else left)[nid] = stretch
        events += stretch.until - stretch.after[0]
    return asked, left


def _progress(
    waiting: Mapping[int, Stretch], last: LoggedEvent | None
) -> tuple[dict[int, int], dict[int, Stretch]]:
    """How far rooms were read (by nid), and what is left of them.

    Everything was, or all before `last` and that.
    """
    if last is None:
        return {nid: stretch.until for nid, stretch in waiting.items()}, {}
    cut, seq, back = last.place
    read = {nid: stretch.until for nid, stretch in waiting.items() if nid < cut}
    left = {nid: stretch for nid, stretch in waiting.items() if nid > cut}
    read[cut] = seq if back == 0 else seq - 1
    left[cut] = Stretch((seq, back), waiting[cut].until)
    return read, left
