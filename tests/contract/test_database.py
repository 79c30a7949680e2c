"""What every `Database` promises, over SQLite and MariaDB."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from sqlalchemy import bindparam, func, insert, literal_column, select

from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql import writes as w
from homeserver.infrastructure.sql.batch import Batch
from homeserver.infrastructure.sql.errors import (
    ClashError,
    InDoubtError,
    PoisonError,
    StoreDownError,
    TransientError,
)
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.slot import (
    FencedError,
    beat,
    check_strictness,
    holds,
    settle_doubt,
    take_slot,
)
from tests.support.store import STORE_KINDS, Store, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from homeserver.infrastructure.sql.batch import Lease

USERS = Query(select(t.matrix_user.c.nid, t.matrix_user.c.user_id).order_by(t.matrix_user.c.nid))
USER_BY_ID = Query(select(t.matrix_user.c.nid).where(t.matrix_user.c.user_id == bindparam("id")))
ADD_USER = Query(insert(t.matrix_user).values(nid=bindparam("n"), user_id=bindparam("i")))
FILTERS = Query(select(t.sync_filter.c.filter_id, t.sync_filter.c.body))
COUNT = Query(select(func.count()).select_from(t.writer_batch))
HEADS = Query(select(t.room_head.c.room_nid, t.room_head.c.seq).order_by(t.room_head.c.room_nid))


@pytest_asyncio.fixture(params=STORE_KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store of each kind."""
    async with open_store(request.param, tmp_path) as opened:
        yield opened


@pytest_asyncio.fixture
async def lease(store: Store) -> Lease:
    """A slot that no writer uses."""
    return await take_slot(store.database, "contract", b"h" * 8, store.clock.now_ms())


def batch(lease: Lease, *rows: tuple[w.Write, Sequence[w.Row]], pos: int = 1) -> Batch:
    """A batch of these rows that takes `pos` positions."""
    writes = sorted(rows, key=lambda kind: kind[0].rank)
    return Batch(lease, random.randbytes(16), lease.pos + pos, 1, b"\x90", b"\x90", writes)


def users(*rows: tuple[int, bytes]) -> tuple[w.Write, Sequence[w.Row]]:
    return w.INSERT_USER, rows


def head(nid: int, seq: int, prev: int) -> w.Row:
    return (nid, seq, prev, 0, 0, 1, 0, b"\x90", 1, 1)


async def test_what_a_batch_writes_is_there_and_moves_the_slot(store: Store, lease: Lease) -> None:
    await store.database.commit(batch(lease, users((1, b"@a:x"), (2, b"@b:x")), pos=2))
    assert list(await store.database.fetch(USERS)) == [(1, b"@a:x"), (2, b"@b:x")]
    assert await holds(store.database, lease._replace(pos=2))


@pytest.mark.parametrize("field", ["epoch", "pos", "generation", "slot"])
async def test_F8_F14_the_fence_refuses_a_batch_of_another_lease(
    store: Store, lease: Lease, field: str
) -> None:
    """Also where the slot's row is missing, as in a store restored from an older backup."""
    wrong: dict[str, Any] = {"epoch": 7, "pos": 9, "generation": b"12345678", "slot": 99}
    foreign = lease._replace(**{field: wrong[field]})
    with pytest.raises(ClashError):
        await store.database.commit(batch(foreign, users((1, b"@a:x"))))
    assert await store.database.fetch(USERS) == []
    assert await holds(store.database, lease)


async def test_a_batch_is_stored_whole_or_not_at_all(store: Store, lease: Lease) -> None:
    with pytest.raises(ClashError):
        await store.database.commit(batch(lease, users((1, b"@a:x"), (2, b"@b:x"), (3, b"@a:x"))))
    assert await store.database.fetch(USERS) == []
    await store.database.commit(batch(lease, users((1, b"@a:x"))))


async def test_a_head_that_moved_refuses_the_batch_wherever_it_stands(
    store: Store, lease: Lease
) -> None:
    """Each row of a multi-row statement counts, not only the first."""
    await store.database.commit(batch(lease, (w.MOVE_HEAD, [head(n, 1, 0) for n in (1, 2, 3)])))
    lease = lease._replace(pos=1)
    rows = [head(1, 2, 1), head(2, 3, 2), head(3, 2, 1)]
    with pytest.raises(ClashError):
        await store.database.commit(batch(lease, (w.MOVE_HEAD, rows)))
    assert list(await store.database.fetch(HEADS)) == [(1, 1), (2, 1), (3, 1)]


async def test_F6_after_a_refused_batch_no_lock_is_left(store: Store, lease: Lease) -> None:
    """The next one comes through at once, on whatever connection."""
    for _ in range(5):
        with pytest.raises(ClashError):
            await store.database.commit(batch(lease._replace(epoch=7), users((1, b"@a:x"))))
        async with asyncio.timeout(1):
            assert await holds(store.database, lease)


async def test_F6_poison_is_named_as_such(store: Store, lease: Lease) -> None:
    """A number that no column takes; on MariaDB also a string that is too long."""
    rows = [(1, b"@a:x"), (1 << 70, b"@b:x")]
    with pytest.raises(PoisonError):
        await store.database.commit(batch(lease, users(*rows)))
    if store.kind == "mysql":
        with pytest.raises(PoisonError):
            await store.database.commit(batch(lease, users((1, b"@" * 256))))
    assert await store.database.fetch(USERS) == []
    await store.database.commit(batch(lease, users((1, b"@a:x"))))


async def test_a_batch_too_large_for_a_packet_is_poison_and_not_a_lost_connection(
    tmp_path: Path,
) -> None:
    async with open_store("mysql", tmp_path) as store:
        lease = await take_slot(store.database, "contract", b"h" * 8, 1)
        store.database._max_packet = 4000  # type: ignore[attr-defined]
        row = (1, b"f", b"x" * 3000)
        with pytest.raises(PoisonError):
            await store.database.commit(batch(lease, (w.INSERT_FILTER, [row])))
        assert await store.database.fetch(FILTERS) == []


async def test_a_packet_without_an_answer_is_in_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("homeserver.infrastructure.sql.mysql_packets.PACKET_SECONDS", 0.2)
    async with open_store("mysql", tmp_path) as store:
        batches = store.database._batches  # type: ignore[attr-defined]
        began = time.monotonic()
        with pytest.raises(InDoubtError):
            await batches.run("DO SLEEP(30)")
        assert time.monotonic() - began < 5
        lease = await take_slot(store.database, "contract", b"h" * 8, 1)
        await store.database.commit(batch(lease, users((1, b"@a:x"))))


async def test_strictness_is_tried_before_a_writer_starts(store: Store, lease: Lease) -> None:
    await check_strictness(store.database, lease)
    assert await holds(store.database, lease)


@pytest.mark.filterwarnings("ignore:Column")
async def test_a_lenient_server_is_refused_at_start_and_could_not_be_fooled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without strict mode NULL becomes 0: a head that moved would go unnoticed."""
    monkeypatch.setattr("homeserver.infrastructure.sql.mysql_database.SQL_MODE", "")
    monkeypatch.setattr(
        "homeserver.infrastructure.sql.mysql_database.SESSION",
        "SET SESSION {isolation}='READ-COMMITTED', innodb_lock_wait_timeout={wait}, sql_mode=''",
    )
    with pytest.raises(StoreDownError, match="strict"):
        async with open_store("mysql", tmp_path):
            pass


@pytest.mark.filterwarnings("ignore:Column")
async def test_even_a_lenient_server_stores_nothing_of_a_replaced_writer(
    tmp_path: Path,
) -> None:
    """NULL as the slot of a single new row is an error in every mode."""
    async with open_store("mysql", tmp_path) as store:
        lease = await take_slot(store.database, "contract", b"h" * 8, 1)
        batches = store.database._batches  # type: ignore[attr-defined]
        await batches.run("SET SESSION sql_mode=''")
        with pytest.raises(ClashError):
            await store.database.commit(batch(lease._replace(epoch=9), users((1, b"@a:x"))))
        assert await store.database.fetch(USERS) == []
        assert await holds(store.database, lease)


async def test_a_transaction_is_rolled_back_on_any_error(store: Store) -> None:
    async def break_off() -> None:
        async with store.database.transaction() as session:
            await session.execute(ADD_USER, n=1, i=b"@a:x")
            raise LookupError

    async def clash() -> None:
        async with store.database.transaction() as session:
            await session.execute(ADD_USER, n=2, i=b"@b:x")
            await session.execute(ADD_USER, n=1, i=b"@a:x")

    with pytest.raises(LookupError):
        await break_off()
    async with asyncio.timeout(1), store.database.transaction() as session:
        assert await session.execute(ADD_USER, n=1, i=b"@a:x") == 1
    with pytest.raises(ClashError):
        await clash()
    assert list(await store.database.fetch(USERS)) == [(1, b"@a:x")]


async def test_an_update_counts_the_rows_it_matched_changed_or_not(
    store: Store, lease: Lease
) -> None:
    """Two heartbeats in one millisecond: nobody was replaced."""
    assert await beat(store.database, lease, 5)
    assert await beat(store.database, lease, 5)
    assert not await beat(store.database, lease._replace(epoch=7), 5)


async def test_a_snapshot_sees_one_instant(store: Store, lease: Lease) -> None:
    database = store.database
    await database.commit(batch(lease, users((1, b"@a:x"))))
    async with database.snapshot() as reader:
        assert len(await reader.fetch(USERS)) == 1
        await database.commit(batch(lease._replace(pos=1), users((2, b"@b:x"))))
        assert len(await reader.fetch(USERS)) == 1
        assert (await reader.fetch(COUNT))[0][0] == 1
    assert len(await database.fetch(USERS)) == 2


async def test_F7_cancelled_queries_never_leak_rows(store: Store, lease: Lease) -> None:
    """Sixty cuts at random moments of fetch and snapshot; then everybody gets his own rows."""
    rows = [(n, b"@%d:x" % n) for n in range(1, 40)]
    await store.database.commit(batch(lease, users(*rows)))
    dice = random.Random(7)

    async def read(n: int) -> Any:
        if n % 2:
            async with store.database.snapshot() as reader:
                return await reader.fetch(USER_BY_ID, id=b"@%d:x" % n)
        return await store.database.fetch(USER_BY_ID, id=b"@%d:x" % n)

    for round_ in range(60):
        tasks = [asyncio.create_task(read(n)) for n in dice.sample(range(1, 40), 3)]
        await asyncio.sleep(dice.random() * 0.003)
        tasks[round_ % 3].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        n = dice.randrange(1, 40)
        assert list(await read(n)) == [(n,)]
    await store.database.commit(batch(lease._replace(pos=1), users((99, b"@late:x"))))
    for _ in range(12):  # no reader was left behind in an old snapshot
        assert list(await store.database.fetch(USER_BY_ID, id=b"@late:x")) == [(99,)]


async def test_F7_cancelled_transactions_leave_no_transaction_open(
    store: Store, lease: Lease
) -> None:
    dice = random.Random(8)

    async def write(n: int) -> None:
        async with store.database.transaction() as session:
            await session.execute(ADD_USER, n=n, i=b"@%d:x" % n)
            raise LookupError

    for n in range(1, 41):
        task = asyncio.create_task(write(n))
        await asyncio.sleep(dice.random() * 0.002)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if n % 8 == 0:
            pos = n // 8
            held = lease._replace(pos=pos - 1)
            await _eventually(store, batch(held, users((1000 + n, b"@in%d:x" % n))))
    assert {nid for nid, _ in await store.database.fetch(USERS)} == {1008, 1016, 1024, 1032, 1040}


async def _eventually(store: Store, work: Batch) -> None:
    """A server needs a moment to notice that a connection was cut."""
    for _ in range(3):
        try:
            return await store.database.commit(work)
        except TransientError:
            continue
    raise AssertionError("a lock is left")


NASTY = [
    bytes(range(256)),
    b"",
    b"%s %% %(x)s",
    b"'; DROP TABLE room; --",
    b"\"\\'\x00\x1a",
    "🐿 żółw 日本".encode(),
    b"\xff\xfe\x80",
]


@pytest.mark.parametrize("way", ["batch", "session"])
async def test_every_byte_comes_back(store: Store, lease: Lease, way: str) -> None:
    rows = [(1, b"%d" % n, body) for n, body in enumerate(NASTY)]
    if way == "batch":
        await store.database.commit(batch(lease, (w.INSERT_FILTER, rows)))
    else:
        add = Query(
            insert(t.sync_filter).values(
                {c.name: bindparam(c.name + "_") for c in t.sync_filter.columns}
            )
        )
        async with store.database.transaction() as session:
            for user, name, body in rows:
                await session.execute(add, user_nid_=user, filter_id_=name, body_=body)
    stored = {name: bytes(body) for name, body in await store.database.fetch(FILTERS)}
    assert stored == {b"%d" % n: body for n, body in enumerate(NASTY)}


async def test_strings_are_compared_byte_by_byte(store: Store, lease: Lease) -> None:
    """No padding, no folding of case or accents."""
    names = [b"a", b"a ", b"A", "ä".encode(), b"a\x00", b""]
    await store.database.commit(batch(lease, users(*enumerate(names, 1))))
    for n, name in enumerate(names, 1):
        assert list(await store.database.fetch(USER_BY_ID, id=name)) == [(n,)]


async def test_percent_signs_of_a_statement_stay(store: Store) -> None:
    query = Query(
        select(literal_column("'%'").label("x"), bindparam("b", type_=t.matrix_user.c.user_id.type))
    )
    ((first, second),) = await store.database.fetch(query, b=b"%d")
    assert (bytes(second), first in ("%", b"%")) == (b"%d", True)


async def test_a_held_room_waits_for_nobody_else(store: Store, lease: Lease) -> None:
    """Two workers hold one room in turn; each batch within is stored, an unused hold is undone."""
    await store.database.commit(batch(lease, (w.MOVE_HEAD, [head(1, 1, 0)])))
    other = await store.connect() if store.kind == "mysql" else store.database
    leases = [
        await take_slot(database, f"h{n}", b"%d" % n * 8, 1)
        for n, database in enumerate((store.database, other))
    ]

    async def hammer(n: int) -> None:
        database = (store.database, other)[n]
        for turn in range(10):
            async with database.hold([1, 2]) as commit:
                if turn % 3 == 2:
                    continue
                ((_, seq),) = await database.fetch(HEADS)
                await asyncio.sleep(0.001)
                await commit(batch(leases[n], (w.MOVE_HEAD, [head(1, seq + 1, seq)])))
            leases[n] = leases[n]._replace(pos=leases[n].pos + 1)

    await asyncio.gather(hammer(0), hammer(1))
    assert list(await store.database.fetch(HEADS)) == [(1, 15)]
    if other is not store.database:
        await other.close()


async def test_a_doubt_can_be_settled_twice(store: Store, lease: Lease) -> None:
    """The answer to the first time was lost: still mine, and the packet still cannot come."""
    work = batch(lease, users((1, b"@a:x")))
    _, stored = await settle_doubt(store.database, work, 2)
    assert not stored
    mine, stored = await settle_doubt(store.database, work, 3)
    assert not stored
    with pytest.raises(ClashError):
        await store.database.commit(work)
    await store.database.commit(batch(mine, users((2, b"@b:x"))))
    work = batch(mine._replace(pos=1), users((3, b"@c:x")))
    await store.database.commit(work)
    after, stored = await settle_doubt(store.database, work, 4)
    assert stored
    assert after.pos == 2
    await take_slot(store.database, "contract", b"i" * 8, 5)
    with pytest.raises(FencedError):
        await settle_doubt(store.database, work, 6)


async def test_two_workers_that_start_at_once_get_two_slots(store: Store) -> None:
    other = await store.connect() if store.kind == "mysql" else store.database
    now = store.clock.now_ms()
    leases = await asyncio.gather(
        *[
            take_slot(database, f"s{n}", b"%d" % n * 8, now)
            for n, database in enumerate([store.database, other] * 3)
        ]
    )
    assert len({lease.slot for lease in leases}) == 6
    if other is not store.database:
        await other.close()


async def test_a_store_that_is_gone_is_down(tmp_path: Path) -> None:
    async with open_store("mysql", tmp_path) as store:
        lease = await take_slot(store.database, "contract", b"h" * 8, 1)
        store.database._batches._address["port"] = 1  # type: ignore[attr-defined]
        with pytest.raises(StoreDownError):
            await store.database.commit(batch(lease, users((1, b"@a:x"))))
