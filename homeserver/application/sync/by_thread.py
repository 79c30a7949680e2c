"""A room's unread events taken apart by thread, from what is in memory."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from homeserver.application.sync.unread import Unread
from homeserver.domain.receipts.receipts import READ, READ_PRIVATE
from homeserver.domain.rooms.threads import Memo

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from homeserver.domain.receipts.placed import PlacedReceipt
    from homeserver.domain.rooms.notices import Highlight, OwnPlace
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.threads import Threads


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


def by_ordinals(room: Room, threads: Threads, who: Reader) -> ThreadedUnread:
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


def by_positions(
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


def mentions(counts: ThreadedUnread) -> ThreadedUnread:
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
