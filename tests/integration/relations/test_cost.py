"""What relations cost: nothing where there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from homeserver.infrastructure.sql import writes as w
from tests.integration.relations.conftest import edit, react, relate
from tests.support.world import CountingDatabase

if TYPE_CHECKING:
    from homeserver.infrastructure.sql.batch import Batch
    from tests.support.syncing import Phone, SyncTown

LIMIT = {"room": {"timeline": {"limit": 20}}}


@pytest.fixture
def asked(town: SyncTown) -> CountingDatabase:
    """Counts the statements that ask for relations."""
    counting = CountingDatabase(town.core.database)
    town.core.relations._db = counting
    return counting


@pytest_asyncio.fixture
async def chat(romeo: Phone, juliet: Phone, room: str) -> str:
    """A room with more messages than memory has, and people who know them."""
    for n in range(80):
        await romeo.send(room, f"{n}")
    await juliet.get()
    return room


async def test_only_children_write_relations(
    town: SyncTown, romeo: Phone, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds: list[Any] = []
    commit = town.core.writer._db.commit

    async def watched(batch: Batch) -> None:
        kinds.extend(kind for kind, _ in batch.writes)
        await commit(batch)

    monkeypatch.setattr(town.core.writer._db, "commit", watched, raising=False)
    said = await romeo.send(room, "plain")
    await romeo.topic(room, "plain too")
    await romeo.redact(room, said)
    assert w.INSERT_EVENT in kinds
    assert not {w.INSERT_RELATION, w.DELETE_RELATION} & set(kinds)
    given = await react(romeo, room, said, "👍")
    assert w.INSERT_RELATION in kinds
    await romeo.redact(room, given)
    assert w.DELETE_RELATION in kinds


async def test_a_plain_message_asks_nothing(
    asked: CountingDatabase, romeo: Phone, room: str
) -> None:
    said = await romeo.send(room, "plain")
    assert asked.count == 0
    await react(romeo, room, said, "👍")
    assert asked.count == 1


async def test_pages_from_memory_ask_nothing(
    asked: CountingDatabase, romeo: Phone, juliet: Phone, chat: str
) -> None:
    page = await juliet.room_call("GET", chat, "messages", dir="b", limit=20)
    assert len(page["chunk"]) == 20
    for n in range(30):
        await romeo.send(chat, f"{n}")
    found = await juliet.get(LIMIT)
    assert found["rooms"]["join"][chat]["timeline"]["limited"] is True
    assert asked.count == 0


async def test_loading_a_room_finds_the_parents_again(
    town: SyncTown, romeo: Phone, juliet: Phone, chat: str
) -> None:
    said = await romeo.send(chat, "a")
    last = await edit(romeo, chat, said, "b")
    await romeo.send(chat, "c")
    await town.restart()
    counting = CountingDatabase(town.core.database)
    town.core.relations._db = counting
    await juliet.room_call("GET", chat, "messages", dir="b", limit=1)
    assert counting.count == 0
    page = await juliet.room_call("GET", chat, "messages", dir="b", limit=3)
    told = page["chunk"][2]["unsigned"]["m.relations"]
    assert told["m.replace"]["event_id"] == last


async def old_page(phone: Phone, chat: str, limit: int) -> None:
    """Read what is not in memory."""
    page = await phone.room_call(
        "GET", chat, "messages", dir="b", limit=limit, **{"from": "t1_15-0a"}
    )
    assert len(page["chunk"]) == limit


async def test_where_nothing_relates_pages_from_the_store_ask_once_for_all(
    asked: CountingDatabase, juliet: Phone, chat: str
) -> None:
    for limit in (1, 8, 3):
        await old_page(juliet, chat, limit)
    assert asked.count == 1


async def test_a_page_from_the_store_asks_once(
    asked: CountingDatabase, juliet: Phone, chat: str
) -> None:
    await relate(juliet, chat, await juliet.send(chat, "root"), "m.thread")
    for limit in (1, 8):
        before = asked.count
        await old_page(juliet, chat, limit)
        assert asked.count - before == 1


async def test_children_cost_a_page_the_same_however_many_parents(
    asked: CountingDatabase, romeo: Phone, juliet: Phone, room: str
) -> None:
    async def cost() -> int:
        before = asked.count
        await juliet.room_call("GET", room, "messages", dir="b", limit=60)
        return asked.count - before

    said = [await romeo.send(room, f"{n}") for n in range(8)]
    costs = []
    for parents in (said[:1], said[1:]):
        for each in parents:
            await edit(romeo, room, each, "x")
            await relate(romeo, room, each, "m.thread")
        costs.append(await cost())
    assert costs == [2, 2]
