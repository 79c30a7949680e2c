"""What `firn move` stands on: notes of every change, and sums that notice any difference."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, insert, null, update

from homeserver.domain.shared.errors import UnavailableError
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.checksum import sum_at, sum_in, sum_of
from homeserver.infrastructure.sql.errors import StoreDownError
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.rows import by_keys, insert_rows, key_places
from homeserver.infrastructure.sql.sqlite_changes import ChangeNotes
from tests.integration.store.test_dump import everything
from tests.support.store import open_store
from tests.support.world import ALICE, open_world, says

if TYPE_CHECKING:
    from pathlib import Path

Content = dict[str, dict[Any, Any]]


def by_key(rows: dict[str, list[Any]]) -> Content:
    """All rows by table and primary key."""
    found: Content = {}
    for name, content in rows.items():
        at = key_places(t.metadata.tables[name])
        found[name] = {tuple(row[i] for i in at): row for row in content}
    return found


def differences(before: Content, after: Content) -> dict[str, set[Any]]:
    """The keys of rows that are not the same."""
    found = {
        name: {
            key
            for key in before[name].keys() | after[name].keys()
            if before[name].get(key) != after[name].get(key)
        }
        for name in before
    }
    return {name: keys for name, keys in found.items() if keys}


async def test_every_row_that_changes_is_noted(tmp_path: Path) -> None:
    """By batches and by statements: inserted, upserted, changed, given another key, deleted."""
    async with open_store("sqlite", tmp_path) as store, open_world(store.database) as world:
        database: Any = store.database
        await world.room(says(ALICE, "before"))
        notes = ChangeNotes(database)
        await notes.start()
        before = by_key(await everything(database))
        await world.room(*(says(ALICE, f"meanwhile {n}") for n in range(5)))
        async with database.transaction() as session:
            await session.execute(Query(update(t.matrix_user).values(nid=t.matrix_user.c.nid + 99)))
            await session.execute(Query(delete(t.room_head)))
        with pytest.raises(StoreDownError):
            await _roll_back(database)
        changed = differences(before, by_key(await everything(database)))
        assert {"event", "matrix_user", "room_head", "writer_slot"} <= changed.keys()
        taken: dict[str, set[Any]] = {}
        left = 1
        while left:
            keys, left = await notes.take(3)
            for name, some in keys.items():
                taken.setdefault(name, set()).update(some)
        assert all(taken[name] >= keys for name, keys in changed.items())
        assert len(taken["event"]) == len(changed["event"])  # what was rolled back is not there
        assert await notes.take(3) == ({}, 0)
        await notes.stop()
        await world.room(says(ALICE, "after"))


async def _roll_back(database: Any) -> None:
    async with database.transaction() as session:
        await session.execute(Query(delete(t.event)))
        raise StoreDownError


async def test_nothing_is_written_to_a_frozen_store(tmp_path: Path) -> None:
    async with open_store("sqlite", tmp_path) as store, open_world(store.database) as world:
        database: Any = store.database
        await world.room(says(ALICE, "before"))
        rows = await everything(database)
        await database.freeze()
        with pytest.raises(StoreDownError):
            async with database.transaction() as session:
                await session.execute(Query(delete(t.event)))
        with pytest.raises(UnavailableError):
            await world.room(says(ALICE, "refused"))
        assert await everything(database) == rows
        database.thaw()
        await world.room(says(ALICE, "after"))


async def test_sums_of_both_sides_agree_and_notice_any_difference(tmp_path: Path) -> None:
    dice = random.Random(1)
    rows: list[Any] = [
        (nid, dice.randbytes(n) or None, None if n % 3 else b"", b"\0'\\%s", -n, n, -(2**62))
        for n, nid in enumerate(range(10, 90))
    ]
    async with open_store("mysql", tmp_path) as store:
        async with store.database.transaction() as session:
            await insert_rows(session, t.profile, rows)
        assert await sum_in(store.database, t.profile) == sum_of(rows)
        keys = [(row[0],) for row in rows[5:15]]
        ((count, condition),) = by_keys([*keys, (9_999,)])
        found = await sum_at(store.database, t.profile, count, **condition)
        assert found == sum_of(rows[5:15])
        for column, value in (("displayname", b"-"), ("rev", 7), ("avatar_url", null())):
            where = t.profile.c.user_nid == rows[9][0]
            async with store.database.transaction() as session:
                await session.execute(Query(update(t.profile).where(where).values({column: value})))
            moved, found = found, await sum_at(store.database, t.profile, count, **condition)
            assert found != moved, column
        empty = await sum_in(store.database, t.room_gap)
        assert empty == sum_of([])
        swapped = Query(insert(t.muted_event).values(room_nid=1, room_seq=23))
        async with store.database.transaction() as session:
            await session.execute(swapped)
        assert await sum_in(store.database, t.muted_event) == sum_of([(1, 23)]) != sum_of([(12, 3)])
