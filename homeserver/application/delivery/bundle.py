"""What a commit says to other workers: which batch it was, and the bodies of plain events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from homeserver.application.ports.tail import Fill
from homeserver.domain.events.parse import load_event
from homeserver.domain.rooms.room import Head
from homeserver.domain.rooms.timeline import TimelineEvent

if TYPE_CHECKING:
    from homeserver.domain.rooms.draft import RoomDraft


class EventPiece(msgspec.Struct, array_like=True, frozen=True):
    """An event at its place; its slot is the bundle's."""

    event_id: str
    json: bytes
    seq: int
    pos: int
    sender_nid: int
    notify_ord: int
    txn_device: int | None
    txn_id: str | None


class RoomPiece(msgspec.Struct, array_like=True, frozen=True):
    """Plain events that follow `base_seq` in a room, and where they leave it."""

    nid: int
    room_id: str
    base_seq: int
    rev: int
    depth: int
    head_pos: int
    extremities: list[str]
    events: list[EventPiece]


class Bundle(msgspec.Struct, array_like=True, frozen=True):
    """A batch: a slot's positions from `pos_from` to `pos_to` under a store generation.

    `rooms` are the bodies for rooms that the receiver's users are in (not all that the batch
    touched), `users` those whose data changed.
    """

    generation: bytes
    slot: int
    pos_from: int
    pos_to: int
    rooms: list[RoomPiece]
    users: list[int]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Bundle]).decode


def encode_bundles(bundles: list[Bundle]) -> bytes:
    """Pack the bundles of one frame."""
    return _encode(bundles)


def decode_bundles(payload: bytes) -> list[Bundle]:
    """Unpack them. Raises msgspec.DecodeError (a ValueError)."""
    return _decode(payload)


def piece_of(draft: RoomDraft) -> RoomPiece | None:
    """The bodies that a committed draft lends; None where it is more than plain events."""
    if not (draft.is_plain and draft.events):
        return None
    head = draft.head
    events = [
        EventPiece(
            item.event.event_id,
            item.event.json,
            item.seq,
            item.pos,
            item.sender_nid,
            item.notify_ord,
            item.txn_device,
            item.txn_id,
        )
        for item in draft.events
    ]
    room = draft.room
    extremities = list(head.extremities)
    return RoomPiece(
        room.nid, room.room_id, draft.base.seq, head.rev, head.depth, head.pos, extremities, events
    )


def fill_of(bundle: Bundle, piece: RoomPiece) -> Fill:
    """What a piece lends to the tail."""
    events = [
        TimelineEvent(
            load_event(each.event_id, each.json, piece.room_id),
            seq=each.seq,
            slot=bundle.slot,
            pos=each.pos,
            sender_nid=each.sender_nid,
            notify_ord=each.notify_ord,
            txn_device=each.txn_device,
            txn_id=each.txn_id,
        )
        for each in piece.events
    ]
    last = events[-1]
    head = Head(
        last.seq,
        piece.rev,
        piece.depth,
        last.notify_ord,
        tuple(piece.extremities),
        bundle.slot,
        piece.head_pos,
    )
    return Fill(piece.nid, piece.base_seq, head, events)
