"""What a batch adds beside a room's line, as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from homeserver.domain.events.hashes import event_id_bytes
from homeserver.infrastructure.sql import writes as w
from homeserver.infrastructure.sql.event_codec import encode_event

if TYPE_CHECKING:
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.rooms.branches import Branches, StateGroup, Stray
    from homeserver.infrastructure.sql.writes import Row

_pack = msgspec.msgpack.Encoder().encode
MAX_REASON = 255


def write_branches(draft: Draft, nid: int, side: Branches) -> None:
    """Add the rows of strays, gaps, state groups and what the line moved away from."""
    for stray in side.strays.values():
        draft.write(w.UPSERT_STRAY, _stray(draft, nid, stray))
    for event_id in side.placed:
        draft.write(w.DELETE_STRAY, (nid, event_id_bytes(event_id)))
    for seq, gap in side.gaps.items():
        missing = _pack([event_id_bytes(event_id) for event_id in gap.missing])
        row = (nid, seq, gap.back, gap.notify_ord, missing, draft.slot, draft.pos)
        draft.write(w.UPSERT_GAP, row)
    for group in side.groups:
        _write_group(draft, nid, group)
    for seq, ref in side.pinned.items():
        draft.write(w.PIN_STATE, (nid, seq, ref))


def _stray(draft: Draft, nid: int, stray: Stray) -> Row:
    codec, body = encode_event(stray.event)
    return (
        nid,
        event_id_bytes(stray.event.event_id),
        int(stray.standing),
        stray.rule.encode(),
        stray.reason.encode()[:MAX_REASON],
        stray.state_ref,
        codec,
        body,
        draft.slot,
        draft.pos,
    )


def _write_group(draft: Draft, nid: int, group: StateGroup) -> None:
    draft.write(w.INSERT_GROUP, (group.nid, nid, group.base_rev))
    for (event_type, state_key), event_id in group.delta.items():
        value = event_id_bytes(event_id) if event_id is not None else None
        row = (group.nid, event_type.encode(), state_key.encode(), value)
        draft.write(w.INSERT_GROUP_DELTA, row)
