"""What a batch adds to one room, as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from homeserver.infrastructure.sql import writes as w
from homeserver.infrastructure.sql.branch_rows import write_branches
from homeserver.infrastructure.sql.directory_rows import write_entry
from homeserver.infrastructure.sql.event_codec import encode_event, id_bytes
from homeserver.infrastructure.sql.relation_rows import write_relations
from homeserver.infrastructure.sql.types import OPEN

if TYPE_CHECKING:
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.rooms.draft import MembershipChange, RoomDraft
    from homeserver.domain.rooms.room import StateChange
    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.infrastructure.sql.writes import Row

_pack = msgspec.msgpack.Encoder().encode


def write_room(draft: Draft, room: RoomDraft) -> None:
    """Add the rows of everything that happened in one room."""
    nid = room.room.nid
    for item in room.events:
        draft.write(w.INSERT_EVENT, _event(nid, item))
    if room.side is not None:
        write_branches(draft, nid, room.side)
        for item in room.side.history:
            draft.write(w.INSERT_EVENT, _event(nid, item))
    if room.changes:
        _write_state(draft, nid, room.changes)
    for change in room.memberships:
        draft.write(w.UPSERT_MEMBERSHIP, _membership(draft, nid, change))
    write_entry(draft, room)
    for user_nid, seq, counted in room.highlights:
        draft.write(w.INSERT_HIGHLIGHT, (user_nid, nid, seq, int(counted)))
    _write_redactions(draft, nid, room)
    if room.children or room.broken:
        write_relations(draft, nid, room)
    if room.purges:
        draft.write(w.LIFT_FLOOR, (nid, *room.floor, draft.now, 0, 1))
    draft.write(w.MOVE_HEAD, _head(nid, room))


def _event(nid: int, item: TimelineEvent) -> Row:
    event = item.event
    codec, body = encode_event(event)
    return (
        nid,
        item.seq,
        item.back,
        id_bytes(event.event_id),
        item.slot,
        item.pos,
        item.sender_nid,
        event.origin_server_ts,
        item.notify_ord,
        item.state_ref,
        id_bytes(item.redacted_because.event_id) if item.redacted_because else None,
        item.txn_key,
        item.txn_device,
        item.txn_id.encode() if item.txn_id is not None else None,
        codec,
        body,
    )


def _write_state(draft: Draft, nid: int, changes: list[StateChange]) -> None:
    """Open an interval for each change; close the one before it, stored or of this batch."""
    following: dict[tuple[str, str], StateChange] = {}
    for change in reversed(changes):
        event_type, state_key = change.key[0].encode(), change.key[1].encode()
        after = following.get(change.key)
        row = (
            nid,
            event_type,
            state_key,
            change.rev,
            OPEN if after is None else after.rev,
            change.seq,
            OPEN if after is None else after.seq,
            id_bytes(change.event.event_id) if change.event is not None else None,
            change.slot,
            change.pos,
        )
        draft.write(w.INSERT_STATE, row)
        following[change.key] = change
    for key, first in following.items():
        if first.replaced is not None:
            close = (nid, key[0].encode(), key[1].encode(), first.rev, first.seq)
            draft.write(w.CLOSE_STATE, close)


def _membership(draft: Draft, nid: int, change: MembershipChange) -> Row:
    return (
        change.user_nid,
        nid,
        change.membership.encode(),
        id_bytes(change.event.event_id),
        change.seq,
        change.sender_nid,
        change.base_ord,
        0,
        draft.slot,
        change.pos,
    )


def _write_redactions(draft: Draft, nid: int, room: RoomDraft) -> None:
    for target, by in room.redactions:
        draft.write(w.INSERT_REDACTION, (nid, id_bytes(target), id_bytes(by)))
    for item in room.redacted:
        codec, body = encode_event(item.event)
        by = item.redacted_because.event_id if item.redacted_because else ""
        row = (nid, id_bytes(item.event.event_id), id_bytes(by), codec, body)
        draft.write(w.STRIP_EVENT, row)
    for seq in room.muted:
        draft.write(w.INSERT_MUTED, (nid, seq))


def _head(nid: int, room: RoomDraft) -> Row:
    head, old = room.head, room.base
    return (
        nid,
        head.seq,
        old.seq,
        head.rev,
        old.rev,
        head.depth,
        head.notify_ord,
        _pack([id_bytes(e) for e in head.extremities]),
        head.slot,
        head.pos,
    )
