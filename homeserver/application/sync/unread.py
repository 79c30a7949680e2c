"""Unread counts: from ordinals where these can serve the reader's push rules, else by tallies.

`tests/integration/user_data/test_unread.py` shows that they equal the evaluation of every
event. Counts are of whole rooms; `thread_counts.py` takes them apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from homeserver.application.ports.reading_store import ReadingStore
from homeserver.application.push.moments import PushStore
from homeserver.application.push.reader_rules import ReaderRules
from homeserver.application.push.tallies import Tallies
from homeserver.application.sync.ignored import NOBODY
from homeserver.domain.push.room_rules import Mode
from homeserver.domain.receipts.receipts import MAIN_THREAD, READ, READ_PRIVATE
from homeserver.domain.relations.relation import THREAD, relation_of
from homeserver.domain.rooms.notices import NO_EVENT, OwnPlace
from homeserver.domain.rooms.room import MEMBER

if TYPE_CHECKING:
    from homeserver.application.sync.feed import RoomPlace
    from homeserver.application.user_data.account_data import AccountData
    from homeserver.domain.push.lines import Lines
    from homeserver.domain.rooms.notices import Highlight
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent

Kinds = list[tuple[str, str | None]]
_WHOLE: Final[Kinds] = [(kind, None) for kind in (READ, READ_PRIVATE)]
_KINDS: Final[Kinds] = [
    (kind, thread) for kind in (READ, READ_PRIVATE) for thread in (None, MAIN_THREAD)
]


class Unread(NamedTuple):
    """`unread_notifications` of /sync."""

    notification_count: int = 0
    highlight_count: int = 0


NOTHING_UNREAD: Final = Unread()


class RoomWishes(NamedTuple):
    """How a user's events in a room are counted, by which rules, and of whom none are."""

    mode: Mode
    lines: Lines
    ignored: frozenset[str]


_DEFAULT: Final = RoomWishes(Mode.DEFAULT, (), NOBODY)


class UnreadStore(ReadingStore, PushStore, Protocol):
    """What counting reads."""


class UnreadCounts:
    """Counts what a user has not read of a room."""

    def __init__(self, store: UnreadStore, data: AccountData) -> None:
        """Read from this store what the room has not in memory, and rules from `data`."""
        self._store = store
        self._data = data
        self._rules = ReaderRules()
        self.tallies = Tallies(store)

    async def of(self, room: Room, user_id: str, user_nid: int, place: RoomPlace) -> Unread:
        """Count for somebody who is joined; `place` is theirs in this room.

        Reads the store only the first time that the user has unread events in this room since
        it was loaded, and waits for nothing else. The rules and the ignored users of now decide
        about all events, however old.
        """
        if read_place(room, user_id, place).seq >= room.head.seq:
            return NOTHING_UNREAD
        wishes = await self.wishes_in(room, user_nid)
        if wishes.mode is Mode.NOTHING:
            return NOTHING_UNREAD
        read = await self.read_up_to(room, user_id, user_nid, place)
        if read.seq >= room.head.seq:
            return NOTHING_UNREAD
        if wishes.mode is Mode.TALLY:
            reader = user_id, user_nid
            tally = await self.tallies.of(room, reader, wishes.lines, wishes.ignored, read.seq)
            return Unread(*tally.counts(read.seq))
        counts = _count(room, user_nid, read)
        if wishes.mode is Mode.MENTIONS:
            return Unread(counts.highlight_count, counts.highlight_count)
        return counts

    def at_once(self, room: Room, user_id: str, user_nid: int, place: RoomPlace) -> Unread | None:
        """The same where memory has all for it and the default rules hold, else None."""
        data, notices = self._data.known(user_nid), room.notices
        own = notices.own.get(user_nid)
        if data is None or own is None or user_nid not in notices.highlights:
            return None
        if self._rules.of(data) is not None:
            return None
        return _count(room, user_nid, max(own, read_place(room, user_id, place)))

    async def wishes_in(self, room: Room, user_nid: int) -> RoomWishes:
        """What the user's rules of now come to in a room."""
        data = self._data.known(user_nid) or await self._data.of(user_nid)
        wishes = self._rules.of(data)
        if wishes is None:
            return _DEFAULT
        rules = wishes.rules.of_room(room.room_id)
        ignored = frozenset(u for u in wishes.ignored if (MEMBER, u) in room.state)
        mode = Mode.TALLY if ignored and rules.mode is not Mode.NOTHING else rules.mode
        return RoomWishes(mode, rules.lines, ignored)

    def has_read(
        self, room: Room, user_id: str, user_nid: int, place: RoomPlace, item: TimelineEvent
    ) -> bool:
        """Whether the user is known to have read an event; asks memory alone.

        A message of the user's own is known where it was sent lately, or was asked for before.
        """
        own = room.notices.own.get(user_nid, NO_EVENT)
        if item.seq <= max(read_place(room, user_id, place), own).seq:
            return True
        relation = relation_of(item.event)
        if relation is None or relation.rel_type != THREAD:
            return False
        keys = [(user_id, kind, relation.parent_id) for kind in (READ, READ_PRIVATE)]
        found = [room.receipts[key].receipt.position for key in keys if key in room.receipts]
        return any(item.seq <= position.seq for position in found if position.back == 0)

    async def read_up_to(
        self, room: Room, user_id: str, user_nid: int, place: RoomPlace
    ) -> OwnPlace:
        """How far the user has read, by what they sent too; highlights are known then."""
        notices = room.notices
        while user_nid not in notices.own or user_nid not in notices.highlights:
            await self._remember(room, user_nid, read_place(room, user_id, place).seq)
        return max(read_place(room, user_id, place), notices.own[user_nid])

    async def _remember(self, room: Room, user_nid: int, after: int) -> None:
        """Load what concerns the user; again if the room moved on meanwhile."""
        notices = room.notices
        version = notices.version
        own = notices.own.get(user_nid)
        if own is None:
            own = await self._store.newest_own(room.nid, user_nid, after) or NO_EVENT
        after = max(after, own.seq)
        found = await self._store.highlights(room.nid, user_nid, after)
        if notices.version == version:
            notices.own.setdefault(user_nid, own)
            notices.highlights[user_nid] = {each.seq: each for each in found}


def read_place(room: Room, user_id: str, place: RoomPlace) -> OwnPlace:
    """How far the user has read by receipt, by joining or by a purge: position and ordinal."""
    return _read_by(_KINDS, room, user_id, place)


def read_whole(room: Room, user_id: str, place: RoomPlace) -> OwnPlace:
    """The same without receipts for the main timeline: how far all threads were read too."""
    return _read_by(_WHOLE, room, user_id, place)


def _read_by(kinds: Kinds, room: Room, user_id: str, place: RoomPlace) -> OwnPlace:
    read = OwnPlace(place.seq, place.base_ord)
    if room.floor.seq > read.seq:  # what was purged counts no more
        read = OwnPlace(room.floor.seq, room.floor.notify_ord)
    if not room.receipts:
        return read
    for kind, thread in kinds:
        placed = room.receipts.get((user_id, kind, thread))
        if placed is not None:
            position = placed.receipt.position
            # history that was filled in before n is older than n
            seq = position.seq if position.back == 0 else position.seq - 1
            read = max(read, OwnPlace(seq, placed.notify_ord))
    return read


def _count(room: Room, user_nid: int, read: OwnPlace) -> Unread:
    head, notices = room.head, room.notices
    if read.seq >= head.seq:
        return NOTHING_UNREAD
    counted = head.notify_ord - read.notify_ord - notices.muted_between(read.seq, head.seq)
    mine = notices.highlights[user_nid]
    if not mine and not notices.everyone:
        return Unread(counted, 0)
    mine = notices.highlights[user_nid] = _current(mine, read.seq)
    highlights = {
        seq: each
        for seq, each in (*mine.items(), *notices.everyone.items())
        if read.seq < seq <= head.seq
    }
    extra = sum(not each.counted for each in highlights.values())
    return Unread(counted + extra, len(highlights))


def _current(highlights: dict[int, Highlight], after: int) -> dict[int, Highlight]:
    """Drop what was read: positions of reading never go back."""
    if all(seq > after for seq in highlights):
        return highlights
    return {seq: each for seq, each in highlights.items() if seq > after}
