"""What is neither timeline nor state of a joined room in /sync."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from homeserver.application.sync.rules import Named
from homeserver.application.sync.unread import read_whole
from homeserver.domain.receipts.receipts import receipt_contents

if TYPE_CHECKING:
    from homeserver.application.sync.context import Span
    from homeserver.application.sync.feed import RoomPlace
    from homeserver.application.sync.thread_counts import ThreadCounts
    from homeserver.application.sync.unread import Unread, UnreadCounts
    from homeserver.application.typing.board import TypingBoard
    from homeserver.application.user_data.account_data import AccountData
    from homeserver.domain.receipts.receipts import Receipt
    from homeserver.domain.rooms.room import Room

RECEIPT = "m.receipt"
TYPING = "m.typing"
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Extra:
    """Members of a room's JSON object, and whether any of them is news."""

    parts: list[bytes] = field(default_factory=list)
    news: bool = False


class RoomData:
    """Ephemeral events, account data and unread counts of a room."""

    def __init__(
        self,
        *,
        typing: TypingBoard,
        account_data: AccountData,
        unread: UnreadCounts,
        threads: ThreadCounts,
    ) -> None:
        """Read from these."""
        self._typing = typing
        self._account_data = account_data
        self._unread = unread
        self._threads = threads

    async def __call__(self, span: Span, room: Room, place: RoomPlace, *, fresh: bool) -> Extra:
        """Collect the parts; `fresh` rooms get all, others what is new."""
        ephemeral = self._receipts(span, room, fresh=fresh)
        ephemeral += self._typists(span, room, fresh=fresh)
        own = await self.own(span, room, fresh=fresh)
        counts = await self._counts(span, room, place)
        recounted = span.recount and read_whole(room, span.requester.user_id, place).seq < (
            room.head.seq
        )
        floor = room.floor
        purged = floor.seq > 0 and span.is_new(floor.slot, floor.pos)  # counts may have fallen
        news = bool(ephemeral or own) or recounted or purged
        extra = Extra(news=news or self._read(span, room))
        if ephemeral:
            extra.parts.append(b'"ephemeral":{"events":[%b]}' % b",".join(ephemeral))
        if own:
            extra.parts.append(own)
        extra.parts += counts
        return extra

    def has_moved(self, span: Span, room: Room) -> bool:
        """Whether there may be more to tell than counts, to who has had a part of the room."""
        since, typing = span.since, span.typing_since
        if since is None or typing is None or room.receipts.moved_since(since):
            return True
        if room.floor.seq and not since.covers(room.floor.slot, room.floor.pos):
            return True
        return self._typing.changed_since(room.nid, typing)

    def counts_at_once(self, span: Span, room: Room, place: RoomPlace) -> bytes | None:
        """The unread counts as a member of the room's object; None where they take longer."""
        if span.rules.counts_threads:
            return None
        requester = span.requester
        counts = self._unread.at_once(room, requester.user_id, requester.user_nid, place)
        return None if counts is None else b'"unread_notifications":%b' % _unread(counts)

    async def _counts(self, span: Span, room: Room, place: RoomPlace) -> list[bytes]:
        """The unread counts as members of the room's object, by thread where that is asked for."""
        who = (span.requester.user_id, span.requester.user_nid, place)
        if not span.rules.counts_threads:
            return [b'"unread_notifications":%b' % _unread(await self._unread.of(room, *who))]
        found = await self._threads.of(room, *who)
        parts = [b'"unread_notifications":%b' % _unread(found.main)]
        if found.threads:
            by_root = [b"%b:%b" % (_encode(r), _unread(each)) for r, each in found.threads.items()]
            parts.append(b'"unread_thread_notifications":{%b}' % b",".join(by_root))
        return parts

    def _receipts(self, span: Span, room: Room, *, fresh: bool) -> list[bytes]:
        if not _accepts(span, room, RECEIPT):
            return []
        reader = span.requester.user_id
        return [
            _encode({"type": RECEIPT, "content": content})
            for content in receipt_contents(_receipts(span, room, fresh=fresh), reader)
        ]

    def _typists(self, span: Span, room: Room, *, fresh: bool) -> list[bytes]:
        since = None if fresh else span.typing_since
        moved = since is not None and self._typing.changed_since(room.nid, since)
        whole = since is None or span.recount  # other users may be ignored now
        if not moved and not whole:
            return []
        users = self._typing.users(room.nid)
        if not (moved or users) or not _accepts(span, room, TYPING):
            return []
        shown = [user for user in users if user not in span.ignored]
        return [_encode({"type": TYPING, "content": {"user_ids": shown}})]

    def _read(self, span: Span, room: Room) -> bool:
        """Whether the user read on: the counts are news even to who filters receipts out."""
        return span.rules.ephemeral.accepts is not None and any(
            receipt.user_id == span.requester.user_id
            for receipt in _receipts(span, room, fresh=False)
        )

    async def own(self, span: Span, room: Room, *, fresh: bool) -> bytes:
        """The user's own data of a room as a member of its object, nothing where none is told."""
        if not fresh and not span.user_changed:
            return b""
        data = await self._account_data.of(span.requester.user_nid)
        accepts = span.rules.room_data.of(room.room_id)
        events = [
            b'{"type":%b,"content":%b}' % (_encode(kind), item.content_json)
            for kind, item in data.of_room(room.nid).items()
            if (fresh or span.is_new(item.slot, item.pos))
            and (accepts is None or accepts(Named(kind)))
        ]
        return b'"account_data":{"events":[%b]}' % b",".join(events) if events else b""


def _accepts(span: Span, room: Room, kind: str) -> bool:
    accepts = span.rules.ephemeral.of(room.room_id)
    return accepts is None or accepts(Named(kind))


def _unread(counts: Unread) -> bytes:
    return b'{"notification_count":%d,"highlight_count":%d}' % counts


def _receipts(span: Span, room: Room, *, fresh: bool) -> list[Receipt]:
    """All receipts of a room that is new to the client, else what is new."""
    if fresh or span.since is None:
        return [placed.receipt for placed in room.receipts.values()]
    changed = room.receipts.after(span.since)
    return [placed.receipt for placed in changed if span.is_new(placed.slot, placed.pos)]
