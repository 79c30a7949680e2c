"""`POST /rooms/{roomId}/receipt/…` and `POST /rooms/{roomId}/read_markers`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from homeserver.domain.receipts.placed import PlacedReceipt
from homeserver.domain.receipts.receipts import (
    FULLY_READ,
    MAIN_THREAD,
    READ_PRIVATE,
    Receipt,
    check_receipt_type,
    check_thread_of_event,
)
from homeserver.domain.shared.errors import NotFoundError
from homeserver.domain.sync.position import RoomPosition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.reading_store import ReadingStore
    from homeserver.application.ports.timeline_store import TimelineStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.user_data.account_data import AccountData
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent

MAX_HOPS: Final = 3
"""How far a relation is followed to a thread (spec: "Threading", at least 3)."""
_encode = msgspec.json.Encoder().encode


class MarkRead:
    """Sets receipts and the fully-read marker of a room."""

    def __init__(
        self,
        access: RoomAccess,
        store: TimelineStore,
        receipts: ReadingStore,
        account_data: AccountData,
        writer: Writer,
    ) -> None:
        """Write receipts with the room, the marker with the user's account data."""
        self._access = access
        self._store = store
        self._receipts = receipts
        self._account_data = account_data
        self._writer = writer

    async def __call__(
        self,
        requester: Requester,
        room_id: str,
        marks: Mapping[str, str],
        thread_id: str | None = None,
    ) -> None:
        """Set several marks at once: receipt type (or `m.fully_read`) → event id.

        A receipt for an older event than the last one's changes nothing. Raises
        ForbiddenError for who is not in the room, NotFoundError for an event that is not
        there or not to be seen, InvalidParamError for an unknown type or another thread.
        """
        room = await self._access.for_members(requester, room_id)
        receipts = []
        for kind, event_id in marks.items():
            check_receipt_type(kind)
            item = await self._readable(requester, room, event_id)
            if kind != FULLY_READ:
                await self._check_thread(room, item.event, thread_id)
                receipts.append((kind, item))
        marker = marks.get(FULLY_READ)
        data = await self._account_data.of(requester.user_nid) if marker else None

        def change(draft: Draft) -> None:
            for kind, item in receipts:
                self._place(draft, room, requester, kind, item, thread_id)
            if data is not None:
                key = (room.nid, FULLY_READ)
                self._account_data.put(draft, data, key, _encode({"event_id": marker}))

        await self._writer.submit(change)

    async def _readable(self, requester: Requester, room: Room, event_id: str) -> TimelineEvent:
        item = await self._store.event(room, event_id)
        window = await self._access.window(room, requester.user_id)
        if item is None or not window.sees(item.seq):
            raise NotFoundError("No such event in this room")
        return item

    async def _check_thread(self, room: Room, event: Event, thread_id: str | None) -> None:
        if thread_id is not None:
            thread = await self._thread_of(room, event)
            check_thread_of_event(thread_id, event.event_id, thread)

    async def _thread_of(self, room: Room, event: Event) -> str:
        """The thread that an event belongs to, by its own relation or its target's."""
        for _ in range(MAX_HOPS):
            relation = event.content.get("m.relates_to")
            target = relation.get("event_id") if isinstance(relation, dict) else None
            if not isinstance(relation, dict) or not isinstance(target, str):
                break
            if relation.get("rel_type") == "m.thread":
                return target
            found = await self._store.event(room, target)
            if found is None:
                break
            event = found.event
        return MAIN_THREAD

    def _place(
        self,
        draft: Draft,
        room: Room,
        requester: Requester,
        kind: str,
        item: TimelineEvent,
        thread_id: str | None,
    ) -> None:
        """Add a receipt to the batch, unless the user has read further already."""
        position = RoomPosition(item.seq, item.back)
        receipt = Receipt(
            requester.user_id, kind, item.event.event_id, position, draft.now, thread_id
        )
        held = room.receipts.get(receipt.key)
        if not receipt.replaces(held.receipt if held is not None else None):
            return
        placed = PlacedReceipt(
            receipt, requester.user_nid, item.notify_ord, draft.slot, draft.next_pos()
        )
        self._receipts.write_receipt(draft, room, placed)
        draft.stir(room)
        if kind == READ_PRIVATE:
            draft.touch_user(requester.user_nid)

        def follow() -> None:
            room.receipts.place(placed)

        draft.on_commit(follow)
