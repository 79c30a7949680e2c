"""F6, F10, F11, F12, F14: the store fails under the writer, or is not what it was."""

from __future__ import annotations

import asyncio
import random
import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from sqlalchemy import bindparam, func, select

from homeserver.application.rooms.compose import NewEvent, compose
from homeserver.domain.shared.errors import InvalidParamError, UnavailableError
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql import writes as w
from homeserver.infrastructure.sql.log import SqlLogReader
from homeserver.infrastructure.sql.mysql_database import MySqlDatabase
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.restore import begin_generation
from homeserver.infrastructure.sql.slot import take_slot
from homeserver.infrastructure.sql.sqlite_database import SqliteDatabase
from tests.support.log_check import check_acknowledged, check_logs
from tests.support.store import STORE_KINDS, Store, Worker, open_store
from tests.support.tcp_proxy import BATCH_END, open_proxy
from tests.support.town import Town

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.rooms.room import Room
    from tests.support.tcp_proxy import TcpProxy, When

LOCK_HEAD = Query(
    select(t.room_head.c.seq).where(t.room_head.c.room_nid == bindparam("r")).with_for_update()
)


@pytest_asyncio.fixture(params=STORE_KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store of each kind."""
    async with open_store(request.param, tmp_path) as opened:
        yield opened


@pytest_asyncio.fixture
async def mysql(tmp_path: Path) -> AsyncIterator[Store]:
    """A store with connections that can be cut."""
    async with open_store("mysql", tmp_path) as opened:
        yield opened


class Sender:
    """Alice in a room, and what she was answered."""

    def __init__(self, town: Town, alice: Requester, room: Room) -> None:
        self.town, self.alice, self.room = town, alice, room
        self.acknowledged: dict[str, str] = {}
        self.refused: list[str] = []

    @classmethod
    async def of(cls, store: Store, worker: Worker | None = None) -> Sender:
        town = Town(store, worker or store.worker)
        alice = await town.user("alice")
        return cls(town, alice, await town.room(alice))

    async def say(self, body: str) -> None:
        """Send once."""
        try:
            said = self.town.say(self.alice, self.room, body, body[:20])
            self.acknowledged[body] = await said
        except UnavailableError:
            self.refused.append(body)

    async def all(self, bodies: Iterable[str]) -> None:
        await asyncio.gather(*[self.say(body) for body in bodies])

    async def until_refused(self, name: str) -> None:
        """Send one after another until one is refused."""
        n = 0
        while not self.refused:
            await self.say(f"{name}-{n}")
            n += 1

    async def check(self, store: Store) -> dict[str, str]:
        """Everything answered is stored once, and memory is what the store is."""
        found = await check_logs(store.database)
        check_acknowledged(found, self.acknowledged)
        again = await self.town.stored(self.room)
        assert (again.head, again.state) == (self.room.head, self.room.state)
        ids = [item.event.event_id for item in self.room.tail]
        assert ids == [item.event.event_id for item in again.tail]
        return found


@asynccontextmanager
async def cut_off(store: Store) -> AsyncIterator[tuple[TcpProxy, Sender]]:
    """A worker that reaches the store through a proxy."""
    name = (await store.database.fetch(Query(select(func.database()))))[0][0]
    address: Any = store.database._batches._address  # type: ignore[attr-defined]
    async with open_proxy(address["host"], address["port"]) as proxy:
        database = await MySqlDatabase.connect(
            host="127.0.0.1",
            port=proxy.port,
            user=address["user"],
            password=address["password"],
            db=name,
        )
        direct, store.connect = store.connect, lambda: _value(database)
        worker = await store.join("cut")
        store.connect = direct
        yield proxy, await Sender.of(store, worker)
        await worker.writer.stop()


async def _value(database: MySqlDatabase) -> MySqlDatabase:
    return database


@pytest.mark.parametrize("when", ["before", "during", "after"])
async def test_F6_a_connection_cut_in_commit_is_resolved_by_the_batch_id(
    mysql: Store, when: When
) -> None:
    """Whether or not the server got it, everybody is answered, and nothing is doubled."""
    async with cut_off(mysql) as (proxy, sender):
        epoch = sender.town.worker.writer.lease.epoch
        for turn in range(6):
            proxy.cut(BATCH_END, when)
            await sender.all(f"{turn}-{n}" for n in range(5))
        assert proxy.done == 6
        assert sender.town.worker.writer.lease.epoch >= epoch + 6
        assert len(sender.acknowledged) == 30
        assert set(await sender.check(mysql)) == set(sender.acknowledged)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_F6_a_cut_while_a_doubt_is_settled_is_not_taken_for_a_theft(
    mysql: Store, when: When
) -> None:
    async with cut_off(mysql) as (proxy, sender):
        for turn in range(3):
            proxy.cut(BATCH_END, "during")
            proxy.cut(b"\x03COMMIT", when)
            await sender.say(f"{turn}")
        assert proxy.done == 6
        assert not sender.town.worker.writer.fenced
        assert set(await sender.check(mysql)) == {"0", "1", "2"}


async def test_F6_random_cuts_under_load(mysql: Store) -> None:
    """Every connection is cut again and again at any byte."""
    dice = random.Random(3)
    async with cut_off(mysql) as (proxy, sender):

        async def cuts() -> None:
            for _ in range(8):
                await asyncio.sleep(dice.random() * 0.05)
                proxy.cut_all()

        async def lane(name: str) -> None:
            for n in range(25):
                await sender.say(f"{name}-{n}")

        await asyncio.gather(cuts(), *[lane(name) for name in "abcd"])
        for body in sender.refused:
            await sender.say(body)
        found = await sender.check(mysql)
        assert len(found) == 100
        assert not sender.town.worker.writer.fenced


async def test_F6_a_database_that_is_gone_in_doubt_does_not_keep_the_worker_from_stopping(
    mysql: Store,
) -> None:
    async with cut_off(mysql) as (proxy, sender):
        proxy.cut(BATCH_END, "before", then=lambda: setattr(proxy, "down", True))
        saying = asyncio.create_task(sender.say("lost"))
        while not proxy.done:
            await asyncio.sleep(0.005)
        proxy.cut_all()
        await asyncio.sleep(0.1)
        async with asyncio.timeout(3):
            await sender.town.worker.writer.stop()
            await saying
        assert sender.refused == ["lost"]


async def test_F6_a_locked_room_is_waited_for(mysql: Store) -> None:
    """Somebody holds the head longer than the lock timeout; then all comes through."""
    sender = await Sender.of(mysql)
    async with mysql.database.transaction() as session:
        await session.fetch(LOCK_HEAD, r=sender.room.nid)
        saying = asyncio.create_task(sender.all(["a", "b"]))
        await asyncio.sleep(2.5)
        assert not sender.acknowledged
    await saying
    assert set(await sender.check(mysql)) == {"a", "b"}


def poison(draft: Draft) -> None:
    """A row whose key no store takes."""
    draft.write(w.INSERT_FILTER, (1 << 70, b"f", b"{}"))


def bug(draft: Draft) -> None:
    """A row that cannot even be rendered."""
    draft.write(w.INSERT_FILTER, ({"a": 1}, b"f", b"{}"))


@pytest.mark.parametrize("bad", [poison, bug])
async def test_F6_one_poison_unit_of_200_fails_alone(store: Store, bad: Any) -> None:
    sender = await Sender.of(store)
    before, after = [f"a{n}" for n in range(100)], [f"b{n}" for n in range(99)]
    results = await asyncio.gather(
        sender.all(before), store.writer.submit(bad), sender.all(after), return_exceptions=True
    )
    assert isinstance(results[1], InvalidParamError | TypeError)
    assert len(sender.acknowledged) == 199
    found = await sender.check(store)
    assert [body for body in found if body[0] == "a"] == before  # and the order is kept
    assert [body for body in found if body[0] == "b"] == after


async def test_a_reader_that_fails_does_not_undo_what_is_stored(store: Store) -> None:
    sender = await Sender.of(store)

    def change(draft: Draft) -> str:
        draft.write(w.INSERT_FILTER, (1, b"f", b"{}"))
        draft.on_commit(lambda: 1 // 0)  # type: ignore[arg-type]
        return "stored"

    assert await store.writer.submit(change) == "stored"
    await sender.say("after")
    assert set(await sender.check(store)) == {"after"}


async def test_a_clash_that_somebody_else_caught_up_with_blames_nobody(store: Store) -> None:
    """The room is refreshed between computing and committing: the change is just made again."""
    sender = await Sender.of(store)
    other = Town(store, await store.join("other"))
    bob = await other.user("alice")
    theirs = await other.registry.get(sender.room.room_id)
    database: Any = store.writer._db
    commit = database.commit

    async def late(batch: Any) -> None:
        database.commit = commit
        await other.say(bob, theirs, "theirs")
        await sender.town.worker.rooms.refresh(sender.room)
        await commit(batch)

    if store.kind == "sqlite":
        other.worker.writer._db = _Through(commit, database)
    database.commit = late
    await sender.say("mine")
    found = await sender.check(store)
    assert list(found) == ["theirs", "mine"]


class _Through:
    """The same database, past what a test put in the place of `commit`."""

    def __init__(self, commit: Any, database: Any) -> None:
        self.commit, self._db = commit, database

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)


async def test_F8_two_workers_hammer_three_rooms(store: Store) -> None:
    """No fork, no loss, no hole; also with state and redactions among it."""
    sender = await Sender.of(store)
    other_town = Town(store, await store.join("other"))
    alice = await other_town.user("alice")
    rooms = [sender.room, *[await sender.town.room(sender.alice) for _ in range(2)]]
    theirs = [await other_town.registry.get(room.room_id) for room in rooms]
    said: dict[str, str] = {}

    async def lane(town: Town, who: Requester, room: Room, name: str) -> None:
        for n in range(12):
            body = f"{name}-{n}"
            said[body] = event_id = await town.say(who, room, body)
            if n % 4 == 1:
                await town.redact(who, room, event_id)
                del said[body]

    await asyncio.gather(
        *[
            lane(sender.town, sender.alice, room, f"m{i}{j}")
            for i, room in enumerate(rooms)
            for j in "ab"
        ],
        *[lane(other_town, alice, room, f"t{i}{j}") for i, room in enumerate(theirs) for j in "ab"],
    )
    found = await check_logs(store.database)
    check_acknowledged(found, said)
    assert set(found) == set(said)
    for town, held in ((sender.town, rooms), (other_town, theirs)):
        for room in held:
            await town.worker.rooms.refresh(room)
            again = await town.stored(room)
            assert room.head == again.head
            assert [i.event.json for i in room.tail] == [i.event.json for i in again.tail]


async def test_F8_a_worker_that_loses_its_slot_stores_nothing_more(store: Store) -> None:
    sender = await Sender.of(store)
    await sender.say("before")
    lanes = [asyncio.create_task(sender.until_refused(name)) for name in "abcd"]
    await asyncio.sleep(0.05)
    thief = await take_slot(store.database, "main", b"t" * 8, store.clock.now_ms())
    stolen = set(await check_logs(store.database))
    async with asyncio.timeout(5):
        await asyncio.gather(*lanes)
    assert store.writer.fenced
    assert thief.epoch > store.writer.lease.epoch
    assert set(await check_logs(store.database)) == stolen
    assert set(sender.acknowledged) <= stolen
    with pytest.raises(UnavailableError):
        await store.writer.submit(lambda draft: draft.touch_user(1))


async def test_F10_disk_full_refuses_writes_and_serves_reads_and_recovers(tmp_path: Path) -> None:
    async with open_store("sqlite", tmp_path) as store:
        sender = await Sender.of(store)
        await sender.say("before")
        database: Any = store.database

        def limit(pages: int) -> Any:
            return database._writer.run(lambda db: db.execute(f"PRAGMA max_page_count={pages}"))

        await limit(1)  # SQLite takes the present size: full from now on
        await sender.all(f"{n}" + "x" * 9000 for n in range(30))
        assert sender.refused
        assert "before" in await sender.check(store)
        await limit(1 << 30)
        refused, sender.refused = sender.refused, []
        await sender.all(refused)
        assert not sender.refused
        assert len(await sender.check(store)) == 31


@pytest.mark.parametrize("seconds", [-3600, 86_400])
async def test_F11_the_clock_jumps_and_order_stays(store: Store, seconds: int) -> None:
    sender = await Sender.of(store)
    await sender.say("a")
    store.clock.advance(seconds)
    await sender.say("b")
    store.clock.advance(-seconds)
    await sender.say("c")
    found = await sender.check(store)
    assert list(found) == ["a", "b", "c"]


async def test_F12_stop_under_load_stores_what_it_answers_and_refuses_the_rest(
    store: Store,
) -> None:
    sender = await Sender.of(store)

    lanes = [asyncio.create_task(sender.until_refused(name)) for name in "abcdef"]
    await asyncio.sleep(0.15)
    async with asyncio.timeout(5):
        await store.writer.stop()
        await asyncio.gather(*lanes)
    found = await sender.check(store)
    assert len(sender.acknowledged) > 6
    assert set(found) == set(sender.acknowledged)


async def test_F14_a_restored_store_fences_its_old_writers_and_keeps_a_floor(
    store: Store,
) -> None:
    sender = await Sender.of(store)
    await sender.say("a")
    log = SqlLogReader(store.database)
    vector, generation = await log.vector(), await log.generation()
    assert await begin_generation(store.database, b"new-one!", 7) == generation
    assert await log.generation() == b"new-one!"
    assert await log.floor(generation) == vector
    await sender.say("b")
    assert sender.refused == ["b"]
    assert store.writer.fenced
    again = Sender(Town(store, await store.join("main")), sender.alice, sender.room)
    assert again.town.worker.writer.lease.epoch > store.writer.lease.epoch + 1000
    again.room = await again.town.registry.get(sender.room.room_id)
    await again.say("b")
    assert list(await again.check(store)) == ["a", "b"]
    with pytest.raises(ValueError, match="new"):
        await begin_generation(store.database, b"new-one!", 8)


async def test_F14_a_store_from_a_backup_lacks_what_came_later_and_goes_on(
    tmp_path: Path,
) -> None:
    """The new life counts on from the backup; its ids are none that the lost life gave out."""
    (tmp_path / "live").mkdir()
    (tmp_path / "restored").mkdir()
    async with open_store("sqlite", tmp_path / "live") as store:
        sender = await Sender.of(store)
        await sender.say("a")
        database: Any = store.database
        target = tmp_path / "backup.db"
        await database._writer.run(lambda db: db.execute("VACUUM INTO ?", (str(target),)))
        backup = dict(await SqlLogReader(store.database).vector())
        await sender.say("lost")
        lost_nid = store.writer.new_nid()
        old = await SqlLogReader(store.database).generation()
    shutil.copy(target, tmp_path / "restored" / "firn.db")
    restored = Store("sqlite", SqliteDatabase(tmp_path / "restored" / "firn.db"), _nothing)
    try:
        await begin_generation(restored.database, b"restored", 7)
        restored.connect = lambda: _same(restored)
        worker = await restored.join("main")
        assert await SqlLogReader(restored.database).floor(old) == backup
        assert worker.writer.new_nid() > lost_nid
        town = Town(restored, worker)
        room = await town.registry.get(sender.room.room_id)
        await town.say(await town.user("alice"), room, "b")
        assert list(await check_logs(restored.database)) == ["a", "b"]
    finally:
        await restored.close()


async def _nothing() -> Any:
    raise AssertionError


async def _same(store: Store) -> Any:
    return store.database


async def test_a_refresh_shows_what_others_redacted(store: Store) -> None:
    """Messages, current state and what state events replaced."""
    sender = await Sender.of(store)
    await sender.say("secret")
    town = sender.town
    topic = await _topic(town, sender, "secret topic")
    other = Town(store, await store.join("other"))
    alice = await other.user("alice")
    theirs = await other.registry.get(sender.room.room_id)
    await town.redact(sender.alice, sender.room, sender.acknowledged["secret"])
    await town.redact(sender.alice, sender.room, topic)
    assert "secret topic" in str(theirs.state["m.room.topic", ""].content)
    await other.say(alice, theirs, "news")  # clashes, and catches up
    assert theirs.state["m.room.topic", ""].content == {}
    fresh = await other.stored(theirs)
    assert [i.event.json for i in theirs.tail] == [i.event.json for i in fresh.tail]
    assert [i.redacted_because for i in theirs.tail] == [i.redacted_because for i in fresh.tail]
    assert theirs.state == fresh.state


async def _topic(town: Town, sender: Sender, text: str) -> str:
    new = NewEvent("m.room.topic", {"topic": text}, "")
    return await town.worker.writer.submit(
        lambda draft: compose(draft, sender.room, sender.alice, new).event.event_id
    )
