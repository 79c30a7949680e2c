"""Unread counts of the main timeline and of each thread (Client-Server API, "Threading").

`tests/integration/user_data/test_unread_threads.py` shows that they equal the evaluation of
every event.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from homeserver.application.sync.unread import NOTHING_UNREAD, Unread, read_place, read_whole
from homeserver.domain.push.room_rules import Mode
from homeserver.domain.receipts.receipts import READ, READ_PRIVATE
from homeserver.domain.rooms.notices import MOST, NO_EVENT, OwnPlace
from homeserver.domain.rooms.threads import Memo, Threads

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from homeserver.application.sync.feed import RoomPlace
    from homeserver.application.sync.unread import UnreadCounts, UnreadStore
    from homeserver.domain.receipts.placed import PlacedReceipt
    from homeserver.domain.rooms.notices import Highlight
    from homeserver.domain.rooms.room import Room


class ThreadedUnread(NamedTuple):
    """Counts of the main timeline, and by root of the threads that have any."""

    main: Unread
    threads: Mapping[str, Unread]


class Reader(NamedTuple):
    """Who counts, and how far they have read: everything, and the main timeline."""

    user_id: str
    user_nid: int
    whole: OwnPlace
    main: OwnPlace


MEMOS: Final = 2_000
"""Users whose counts are kept with a room."""
RECEIPTS: Final = 64
"""The newest receipts of a room that are looked through; then all threads are counted."""
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
            return _by_positions(room, threads, who, tally.notified, tally.highlighted)
        counts = _by_ordinals(room, threads, who)
        return _mentions(counts) if wishes.mode is Mode.MENTIONS else counts

    async def _threads(self, room: Room) -> Threads:
        """The room's threads, read where they are not in memory."""
        notices = room.notices
        while notices.threads is None:
            version, until = notices.stripped, room.head.seq
            found = await self._store.threads(room.nid, until, MOST)
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


def _by_ordinals(room: Room, threads: Threads, who: Reader) -> ThreadedUnread:
    """Count by the default rules."""
    head, notices = room.head, room.notices
    known = threads.highlights[who.user_nid]
    everyone = {seq: each for seq, each in notices.everyone.items() if seq > who.whole.seq}
    main, by_root = _split(threads, {**known, **everyone})
    main = {seq: each for seq, each in main.items() if seq > who.main.seq}
    counted = (
        head.notify_ord
        - who.main.notify_ord
        - notices.muted_between(who.main.seq, head.seq)
        - threads.counted_after(who.main.seq)
    )
    extra = sum(not each.counted for each in main.values())
    memo = _memo(room, threads, who)
    for root in _moved(room, threads, who, memo):
        counts = _in_thread(room, threads, who, root, by_root.get(root, {}))
        if counts[0]:
            memo.counts[root] = counts
        else:
            memo.counts.pop(root, None)
    memo.moves, memo.newest = len(threads.moves), _newest(room)
    found = {root: Unread(*counts) for root, counts in memo.counts.items()}
    return ThreadedUnread(Unread(counted + extra, len(main)), found)


def _in_thread(
    room: Room, threads: Threads, who: Reader, root: str, highlights: Mapping[int, Highlight]
) -> tuple[int, int]:
    """How many events of a thread notify and highlight."""
    read = _read_in(room, threads, who, root)
    mine = [each for seq, each in highlights.items() if seq > read]
    beside = sum(not each.counted for each in mine)
    return threads.counted_in(root, read) + beside, len(mine)


def _memo(room: Room, threads: Threads, who: Reader) -> Memo:
    """What was counted before, or that nothing was."""
    memo = threads.memos.get(who.user_nid)
    if memo is None or memo.whole != who.whole.seq:
        memo = threads.memos[who.user_nid] = Memo(who.whole.seq, 0, _newest(room), {})
        if len(threads.memos) > MEMOS:
            del threads.memos[next(iter(threads.memos))]
    return memo


def _moved(room: Room, threads: Threads, who: Reader, memo: Memo) -> Collection[str]:
    """The threads to be counted anew: they got events since, or the user's receipts."""
    if not memo.moves:
        return _unread_roots(threads, who)
    moved = dict.fromkeys(threads.moves[memo.moves :])
    if memo.newest is _newest(room):
        return moved
    for placed in islice(reversed(room.receipts.values()), RECEIPTS):
        if placed is memo.newest:
            return moved
        if placed.user_nid == who.user_nid and placed.receipt.thread_id is not None:
            moved[placed.receipt.thread_id] = None
    return _unread_roots(threads, who)


def _newest(room: Room) -> PlacedReceipt | None:
    """The receipt that came last."""
    return next(reversed(room.receipts.values()), None)


def _by_positions(
    room: Room,
    threads: Threads,
    who: Reader,
    notified: tuple[int, ...],
    highlighted: tuple[int, ...],
) -> ThreadedUnread:
    """Count the events that were judged to notify and to highlight."""
    reads = {root: _read_in(room, threads, who, root) for root in _unread_roots(threads, who)}
    counts: dict[str | None, list[int]] = {}
    for which, seqs in enumerate((notified, highlighted)):
        for seq in reversed(seqs):
            if seq <= who.whole.seq:
                break
            root = threads.at.get(seq)
            if seq > (who.main.seq if root is None else reads[root]):
                counts.setdefault(root, [0, 0])[which] += 1
    main = Unread(*counts.pop(None, (0, 0)))
    return ThreadedUnread(main, {root: Unread(*c) for root, c in counts.items() if root})


def _mentions(counts: ThreadedUnread) -> ThreadedUnread:
    """Only what highlights notifies."""
    main, threads = counts
    loud = {root: each for root, each in threads.items() if each.highlight_count}
    only = {root: Unread(e.highlight_count, e.highlight_count) for root, e in loud.items()}
    return ThreadedUnread(Unread(main.highlight_count, main.highlight_count), only)


def _split(
    threads: Threads, highlights: Mapping[int, Highlight]
) -> tuple[dict[int, Highlight], dict[str, dict[int, Highlight]]]:
    """Highlights of the main timeline, and those of threads by root."""
    main: dict[int, Highlight] = {}
    by_root: dict[str, dict[int, Highlight]] = {}
    for seq, each in highlights.items():
        root = threads.at.get(seq)
        (main if root is None else by_root.setdefault(root, {}))[seq] = each
    return main, by_root


def _unread_roots(threads: Threads, who: Reader) -> list[str]:
    """Threads with events that the user has not read with the whole room, latest first."""
    found = []
    for root in reversed(threads.last):
        if threads.last[root] <= who.whole.seq:
            break
        found.append(root)
    return found


def _read_in(room: Room, threads: Threads, who: Reader, root: str) -> int:
    """How far the user has read in a thread."""
    read = max(who.whole.seq, threads.own_in(who.user_nid, root))
    for kind in (READ, READ_PRIVATE):
        placed = room.receipts.get((who.user_id, kind, root))
        if placed is not None:
            position = placed.receipt.position
            read = max(read, position.seq if position.back == 0 else position.seq - 1)
    return read
