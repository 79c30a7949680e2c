"""What must hold of every store after whatever happened to its writers."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import select

from homeserver.domain.events.hashes import event_id_from_bytes
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.event_codec import decode_event
from homeserver.infrastructure.sql.query import Query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from homeserver.infrastructure.sql.database import Database, Reader

_e, _b = t.event.c, t.writer_batch.c
EVENTS = Query(
    select(_e.room_nid, _e.room_seq, _e.event_id, _e.slot, _e.pos, _e.codec, _e.body)
    .where(_e.back == 0)
    .order_by(_e.room_nid, _e.room_seq)
)
HEADS = Query(select(t.room_head.c.room_nid, t.room_head.c.seq))
BATCHES = Query(
    select(_b.slot, _b.pos_from, _b.pos_to, _b.epoch, _b.batch_id).order_by(_b.slot, _b.pos_to)
)
SLOTS = Query(select(t.writer_slot.c.slot, t.writer_slot.c.pos))


async def check_logs(database: Database) -> dict[str, str]:
    """Assert that all logs are gapless and agree; return message body → event id.

    At one instant: what a killed process sent last may still be on its way into the store.
    """
    async with database.snapshot() as reader:
        return await _check(reader)


async def _check(database: Reader) -> dict[str, str]:
    rooms = defaultdict(list)
    places = set()
    for nid, seq, _, slot, pos, _, _ in (rows := await database.fetch(EVENTS)):
        rooms[nid].append(seq)
        places.add((slot, pos))
    heads: dict[int, int] = dict(await database.fetch(HEADS))
    assert {nid: list(range(1, seq + 1)) for nid, seq in heads.items()} == dict(rooms)
    assert len(places) == len(rows), "two events at one position"
    await _check_slots(database, places)
    return _bodies(rows)


async def _check_slots(database: Reader, places: set[tuple[int, int]]) -> None:
    """Batches follow each other without a hole, epochs never go back, events lie inside."""
    at: dict[int, int] = {}
    epochs: dict[int, int] = {}
    ids = set()
    for slot, first, last, epoch, batch_id in await database.fetch(BATCHES):
        assert first == at.get(slot, 0) + 1, f"hole before {slot}:{first}"
        assert last >= first
        assert epoch >= epochs.get(slot, 0), "an older epoch wrote later"
        at[slot], epochs[slot] = last, epoch
        ids.add(batch_id)
    stored: dict[int, int] = dict(await database.fetch(SLOTS))
    assert {slot: pos for slot, pos in stored.items() if pos} == at
    assert all(0 < pos <= at[slot] for slot, pos in places)


def _bodies(rows: Sequence[tuple[object, ...]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for *_, key, _slot, _pos, codec, body in rows:
        event_id = event_id_from_bytes(key)  # type: ignore[arg-type]
        event = decode_event(event_id, "", codec, body)  # type: ignore[arg-type]
        text = event.content.get("body")
        if text is not None:
            assert isinstance(text, str)
            assert text not in found, f"{text} is doubled"
            found[text] = event_id
    return found


def check_acknowledged(found: Mapping[str, str], acknowledged: Mapping[str, str]) -> None:
    """Assert that each acknowledged message is stored, under the id that was answered."""
    missing = {
        body: found.get(body) for body, event in acknowledged.items() if found.get(body) != event
    }
    assert not missing
