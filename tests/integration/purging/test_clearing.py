"""What a clearing takes out of the store, in which steps, and what happens when it is cut short."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import bindparam, update

from homeserver.application.purging import keep_purging
from homeserver.domain.events.hashes import event_id_bytes
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.event_codec import PURGED
from homeserver.infrastructure.sql.purge_store import SqlPurgeStore
from homeserver.infrastructure.sql.query import Query
from tests.integration.purging.conftest import purge, status
from tests.integration.relations.conftest import react, relate
from tests.integration.search.conftest import filled
from tests.support.purging import EVER, clear

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.syncing import Phone, SyncTown

CODEC, BODY = -2, -1


async def _rows(town: SyncTown, table: str, room: str, column: int = 0) -> list[tuple[Any, ...]]:
    nid = (await town.core.rooms.get(room)).nid
    return [row for row in await town.store.dump(table) if row[column] == nid]


async def _lively(romeo: Phone, juliet: Phone) -> tuple[str, str]:
    """A room with something in every table that a purge clears, and its last message."""
    room = await romeo.create_room(preset="public_chat", name="Balcony")
    await juliet.do("join", room)
    root = await romeo.send(room, "secret")
    await relate(juliet, room, root, "m.thread", body="secret reply")
    await react(juliet, room, root, "+")
    mention: dict[str, Any] = {"body": "secret", "m.mentions": {"user_ids": [juliet.user_id]}}
    await romeo.send(room, msgtype="m.text", **mention)
    spam = await romeo.send(room, "secret spam")
    await romeo.redact(room, spam)
    return room, await romeo.send(room, "last")


async def test_rows_go_and_the_log_keeps_its_numbers(
    town: SyncTown, admin: Phone, romeo: Phone, juliet: Phone
) -> None:
    room, last = await _lively(romeo, juliet)
    await filled(town)
    before = await _rows(town, "event", room)
    for table, column in (("event_relation", 0), ("redaction", 0), ("muted_event", 0)):
        assert await _rows(town, table, room, column), table
    assert len(await _rows(town, "highlight", room, 1)) == 1
    assert len(await _rows(town, "search_text", room, 1)) == 5
    await purge(admin, room, before_event_id=last)
    assert await _rows(town, "event", room) == before
    await clear(town.core.database)
    after = await _rows(town, "event", room)
    assert [row[:CODEC] for row in after] == [row[:CODEC] for row in before]
    gone = [row for row in after if row[CODEC] == PURGED]
    assert [row[BODY] for row in gone] == [b""] * 6
    state = {row[7] for row in await _rows(town, "state_interval", room)}
    assert not state & {row[3] for row in gone}
    assert not any(b"secret" in row[BODY] for row in after)
    for table, column in (("event_relation", 0), ("redaction", 0), ("muted_event", 0)):
        assert await _rows(town, table, room, column) == [], table
    assert await _rows(town, "highlight", room, 1) == []
    assert len(await _rows(town, "search_text", room, 1)) == 1


async def test_a_redaction_of_what_is_still_to_be_read_stays(
    town: SyncTown, admin: Phone, romeo: Phone, juliet: Phone
) -> None:
    """One that stands before its target, as those of other servers may."""
    room = await romeo.create_room()
    target = await romeo.send(room, "x")
    nid = (await town.core.rooms.get(room)).nid
    by = await romeo.redact(room, target)
    last = await romeo.send(room, "last")
    await _swap(town, nid, target, by)
    await town.restart()
    await purge(admin, room, before_event_id=target)
    await clear(town.core.database)
    rows = {row[3]: row for row in await _rows(town, "event", room)}
    codecs = [row[CODEC] for row in sorted(rows.values(), key=lambda row: row[1])]
    assert PURGED not in codecs
    path = f"context/{last.replace('$', '%24')}"
    found = await romeo.room_call("GET", room, path, limit=4)
    [shown] = found["events_before"]
    assert shown["unsigned"]["redacted_because"]["event_id"] == by
    assert juliet.user_id


async def _swap(town: SyncTown, nid: int, one: str, other: str) -> None:
    """Let two events of a room change places."""
    room = await town.core.rooms.get_by_nid(nid)
    places = {e: i.seq for e in (one, other) if (i := await town.core.store.event(room, e))}
    c = t.event.c
    move = Query(
        update(t.event)
        .where(c.room_nid == bindparam("room"), c.event_id == bindparam("id"))
        .values(room_seq=bindparam("seq"))
    )
    async with town.store.database.transaction() as session:
        for event_id, seq in ((one, 1 << 40), (other, places[one]), (one, places[other])):
            await session.execute(move, room=nid, id=event_id_bytes(event_id), seq=seq)


@pytest.mark.parametrize("at_once", [1, 2, 7])
async def test_steps_are_small_and_their_size_changes_nothing(
    town: SyncTown, admin: Phone, romeo: Phone, juliet: Phone, at_once: int
) -> None:
    room, last = await _lively(romeo, juliet)
    await purge(admin, room, before_event_id=last)
    events = (await town.core.rooms.get(room)).floor.seq
    assert await clear(town.core.database, at_once) == events // at_once + 1
    assert len([r for r in await _rows(town, "event", room) if r[CODEC] == PURGED]) == 6
    assert await clear(town.core.database, at_once) == 0


async def test_a_clearing_that_was_cut_short_goes_on_where_it_was(
    town: SyncTown,
    admin: Phone,
    romeo: Phone,
    juliet: Phone,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The process ends between two steps; another life of it takes the role and finishes."""
    monkeypatch.setattr(keep_purging, "GRACE_MS", 0)
    monkeypatch.setattr(keep_purging, "AT_ONCE", 3)
    room, last = await _lively(romeo, juliet)
    purge_id = await purge(admin, room, before_event_id=last)
    assert await town.purging.keep_purging.step() is True
    assert (await status(admin, room, purge_id))["cleared"] == 3
    await town.restart()
    assert (await status(admin, room, purge_id))["cleared"] == 3
    town.purging.keep_purging.start()
    async with asyncio.timeout(30):
        while (await status(admin, room, purge_id))["status"] != "complete":
            await asyncio.sleep(0.05)
    assert len([r for r in await _rows(town, "event", room) if r[CODEC] == PURGED]) == 6


class KilledError(Exception):
    """The process ends here."""


class BreakingDatabase:
    """A store in which the n-th statement of a transaction fails."""

    def __init__(self, database: Any, after: int) -> None:
        self._db, self._left = database, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """Open one."""
        async with self._db.transaction() as session:
            yield BreakingSession(session, self)

    def count(self) -> None:
        """Break, or not yet."""
        self._left -= 1
        if self._left < 0:
            raise KilledError


class BreakingSession:
    """Counts before it passes on."""

    def __init__(self, session: Any, owner: BreakingDatabase) -> None:
        self._session, self._owner = session, owner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    async def execute(self, *args: Any, **params: Any) -> Any:
        """Run one statement."""
        self._owner.count()
        return await self._session.execute(*args, **params)


async def test_a_step_is_done_whole_or_not_at_all(
    town: SyncTown, admin: Phone, romeo: Phone, juliet: Phone
) -> None:
    room, last = await _lively(romeo, juliet)
    await filled(town)
    await purge(admin, room, before_event_id=last)
    tables = ("event", "event_relation", "redaction", "muted_event", "search_text", "room_floor")
    before = [await town.store.dump(table) for table in tables]
    statements = 0
    while True:
        store = SqlPurgeStore(BreakingDatabase(town.core.database, statements))
        what = await store.due(EVER)
        if what is None:
            break
        try:
            await store.clear(what, 100)
        except KilledError:
            assert [await town.store.dump(table) for table in tables] == before
        statements += 1
    assert statements > 6


async def test_two_that_clear_at_once_clear_once(
    town: SyncTown, admin: Phone, romeo: Phone, juliet: Phone
) -> None:
    """As where a role was lost without its holder's knowing."""
    room, last = await _lively(romeo, juliet)
    purge_id = await purge(admin, room, before_event_id=last)
    store = SqlPurgeStore(town.core.database)
    what = await store.due(EVER)
    assert what is not None
    await store.clear(what, 4)
    await store.clear(what, 2)  # the late one
    assert (await status(admin, room, purge_id))["cleared"] == 4
    await clear(town.core.database, 3)
    assert len([r for r in await _rows(town, "event", room) if r[CODEC] == PURGED]) == 6
    assert (await status(admin, room, purge_id))["status"] == "complete"
