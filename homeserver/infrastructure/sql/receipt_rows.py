"""Receipts as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from homeserver.domain.events.hashes import event_id_bytes, event_id_from_bytes
from homeserver.domain.receipts.placed import PlacedReceipt
from homeserver.domain.receipts.receipts import READ, READ_PRIVATE, Receipt
from homeserver.domain.sync.position import RoomPosition
from homeserver.infrastructure.sql import writes as w

if TYPE_CHECKING:
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.rooms.room import Room
    from homeserver.infrastructure.sql.writes import Row

_KINDS: Final = (READ, READ_PRIVATE)


def write_receipt(draft: Draft, room: Room, placed: PlacedReceipt) -> None:
    """Add a receipt's row, and the room's sign that something besides its log changed."""
    receipt = placed.receipt
    row = (
        room.nid,
        placed.user_nid,
        _KINDS.index(receipt.type),
        (receipt.thread_id or "").encode(),
        event_id_bytes(receipt.event_id),
        receipt.position.seq,
        receipt.position.back,
        placed.notify_ord,
        receipt.ts,
        placed.slot,
        placed.pos,
    )
    draft.write(w.UPSERT_RECEIPT, row)
    draft.write(w.UPSERT_STIR, (room.nid, placed.slot, placed.pos))


def receipt_of(row: Row) -> PlacedReceipt:
    """Read a row of `RECEIPTS`."""
    user_id, user_nid, kind, thread, event, seq, back, notify_ord, ts, slot, pos = row
    receipt = Receipt(
        user_id=user_id.decode(),
        type=_KINDS[kind],
        event_id=event_id_from_bytes(event),
        position=RoomPosition(seq, back),
        ts=ts,
        thread_id=thread.decode() or None,
    )
    return PlacedReceipt(receipt, user_nid, notify_ord, slot, pos)
