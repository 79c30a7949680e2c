"""What the full-text index promises, on each kind of store: the same hits from the same words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from homeserver.application.ports.role import RoleLostError
from homeserver.application.ports.search_index import Question
from homeserver.application.ports.user_directory import Person
from homeserver.application.search import fill_index
from homeserver.application.search.fill_index import FillIndex
from homeserver.application.search.read_people import PEOPLE
from homeserver.application.search.search_users import SearchUsers
from homeserver.domain.rooms.timeline import TimelineEvent
from homeserver.domain.search.document import SearchKey
from homeserver.domain.search.score import score
from homeserver.domain.search.tokens import terms_of
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql import writes as w
from homeserver.infrastructure.sql.account_writes import INSERT_ACCOUNT, UPSERT_PROFILE
from homeserver.infrastructure.sql.checksum import sum_in, sum_of
from homeserver.infrastructure.sql.dump import dump, load
from homeserver.infrastructure.sql.room_rows import _event
from homeserver.infrastructure.sql.search_index import Matching, SqlSearchIndex
from homeserver.infrastructure.sql.search_log import SqlSearchLog
from homeserver.infrastructure.sql.tail_reader import SqlTailReader
from homeserver.infrastructure.sql.user_directory import SqlUserDirectory
from tests.support.store import STORE_KINDS, Store, open_store
from tests.support.world import (
    ALICE,
    BOB,
    CAROL,
    NIDS,
    Put,
    World,
    _built,
    add,
    member,
    open_world,
    requester,
    says,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from homeserver.application.writing.draft import Draft
    from homeserver.domain.rooms.room import Room

TEXTS = (
    "下午三点开会议，请准时",
    "公告：明天放假",
    "ひらがな と カタカナ",
    "well done 😀👍🏽",
    "The Running café of STRASSE",
    "Привет, мир: чай и ёлка",
    "안녕하세요 여러분",
    "the an of to be",
    "user_name 3.14 v2 it's",
    "ห้องประชุม",
    "議 会 apart",
)


@dataclass
class Desk:
    """A store with rooms, and the index over them."""

    store: Store
    world: World
    matching: Matching | None = None
    rooms: list[Room] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with an empty index."""
        self.index = SqlSearchIndex(self.store.database, self.matching)
        self.holder = b"holder 1"
        self.log = SqlSearchLog(self.store.database, self.store.clock, lambda: self.holder)
        self.tail = SqlTailReader(self.store.database)
        self.directory = SqlUserDirectory(self.store.database)

    async def fill(self) -> None:
        """Bring the index up to the logs, as a process that just started would."""
        cursor = await self.log.take()
        assert cursor is not None
        fill = FillIndex(self.log, self.directory, self.tail, cursor)
        while await fill():
            pass

    async def texts(self) -> list[tuple[Any, ...]]:
        """What is stored of events."""
        return [row for row in await self.store.dump("search_text") if row[1] != PEOPLE]

    async def room(self, *texts: str) -> Room:
        """A room in which these were said."""
        room = await self.world.room(*(says(ALICE, text) for text in texts))
        self.rooms.append(room)
        return room

    async def find(self, query: str, *rooms: Room, limit: int = 100, **more: Any) -> list[str]:
        """The texts that answer a query, newest first."""
        terms = terms_of(query)
        question = Question(terms, more.pop("keys", tuple(SearchKey)), **more)
        nids = [room.nid for room in rooms or self.rooms]
        found = await self.index.find(question, nids, limit)
        by_nid = {room.nid: room for room in self.rooms}
        texts = []
        for each in found:
            if not score(terms, each.tokens):
                continue
            place = (each.seq, each.back)
            items = await self.world.store.events(
                by_nid[each.room_nid],
                after=(place[0], place[1] - 1),
                before=(place[0], place[1] + 1),
                limit=1,
                newest=True,
            )
            content = items[0].event.content
            texts.append(content.get("body") or content.get("topic") or content.get("name"))
        return [str(text) for text in texts]


@pytest_asyncio.fixture(params=[*STORE_KINDS, "without an index"])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    """One over an empty store; one of them is searched as a TiDB would be."""
    scanned = request.param not in STORE_KINDS
    async with (
        open_store("mysql" if scanned else request.param, tmp_path) as store,
        open_world(store.database, "second") as world,
    ):
        yield Desk(store, world, Matching.SCAN if scanned else None)


def edit(sender: str, target: str, body: str) -> Put:
    """A replacement of a message."""
    content = {
        "msgtype": "m.text",
        "body": f"* {body}",
        "m.new_content": {"msgtype": "m.text", "body": body},
        "m.relates_to": {"rel_type": "m.replace", "event_id": target},
    }
    return Put(sender, content=content)


async def said(desk: Desk, room: Room, *puts: Put) -> list[TimelineEvent]:
    """Say more, and fill."""
    items = await desk.world.put(room, *puts)
    await desk.fill()
    return items


@pytest.mark.parametrize(
    ("query", "hits"),
    [
        ("会议", [0]),
        ("会", [10, 0]),
        ("议会", []),
        ("開會", []),
        ("公告", [1]),
        ("公告 明天", [1]),
        ("かな", []),
        ("がな", [2]),
        ("ｶﾀｶﾅ", [2]),
        ("😀", [3]),
        ("👍", [3]),
        ("😎", []),
        ("done 😀", [3]),
        ("running", [4]),
        ("RUN", [4]),
        ("run ", []),
        ("run cafe", []),
        ("cafe run", [4]),
        ("CAFÉ strasse", [4]),
        ("straße", [4]),
        ("привет", [5]),
        ("прив", [5]),
        ("елка", []),
        ("하세", [6]),
        ("안녕", [6]),
        ("the an of to be", [7]),
        ("the", [7, 4]),
        ("be ", [7]),
        ("name", [8]),
        ("3.14", [8]),
        ("it's", [8]),
        ("ประชุม", [9]),
        ("nothing", []),
        ('" OR * +(-', []),
        ("AND", []),
    ],
)
async def test_words_beginnings_and_runs_are_found(desk: Desk, query: str, hits: list[int]) -> None:
    await desk.room(*TEXTS)
    await desk.fill()
    assert await desk.find(query) == [TEXTS[n] for n in hits]


async def test_a_search_sees_its_rooms_only_and_goes_on_behind_the_last_hit(desk: Desk) -> None:
    first = await desk.room("red one", "red two", "blue")
    second = await desk.room("red three")
    await desk.room("red elsewhere")
    await desk.fill()
    assert sorted(await desk.find("red", first, second)) == ["red one", "red three", "red two"]
    assert await desk.find("red", first) == ["red two", "red one"]
    assert await desk.find("red", first, limit=1) == ["red two"]
    newest = (await desk.index.find(Question(terms_of("red"), [SearchKey.BODY]), [first.nid], 1))[0]
    assert await desk.find("red", first, older_than=(newest.ts, newest.number)) == ["red one"]
    assert await desk.find("red", first, upto=newest.number - 1) == ["red one"]


async def test_more_rooms_than_one_statement_takes(desk: Desk) -> None:
    for number in range(130):
        await desk.room(f"everywhere {number}")
    await desk.fill()
    assert len(await desk.find("everywhere", limit=200)) == 130
    assert await desk.find("129") == ["everywhere 129"]


async def test_names_and_topics_are_found_under_their_keys(desk: Desk) -> None:
    room = await desk.room("the garden talks")
    topic = {"topic": "A garden", "m.topic": {"m.text": [{"body": "with roses"}]}}
    await said(
        desk,
        room,
        Put(ALICE, "m.room.name", {"name": "Garden club"}, ""),
        Put(ALICE, "m.room.topic", topic, ""),
        Put(ALICE, "m.room.message", {"body": 7, "msgtype": "m.text"}),
        Put(ALICE, "m.reaction", {"body": "garden"}),
    )
    assert await desk.find("garden") == ["A garden", "Garden club", "the garden talks"]
    assert await desk.find("garden", keys=[SearchKey.NAME]) == ["Garden club"]
    assert await desk.find("roses", keys=[SearchKey.TOPIC, SearchKey.NAME]) == ["A garden"]


async def test_an_edit_is_found_in_the_place_of_what_it_edits(desk: Desk) -> None:
    room = await desk.room("old words")
    log = await desk.world.log(room)
    original = log[-1].event.event_id
    await desk.fill()
    (first,) = await said(desk, room, edit(ALICE, original, "new words"))
    assert await desk.find("old") == []
    assert await desk.find("new words") == ["old words"]
    await said(desk, room, edit(BOB, original, "forged words"))
    assert await desk.find("forged") == []
    (second,) = await said(desk, room, edit(ALICE, original, "newest words"))
    assert (await desk.find("newest"), await desk.find("new ")) == (["old words"], [])
    await desk.world.redact(room, second.event.event_id)
    await desk.fill()
    assert (await desk.find("newest"), await desk.find("new ")) == ([], ["old words"])
    await desk.world.redact(room, first.event.event_id)
    await desk.fill()
    assert (await desk.find("new "), await desk.find("old")) == ([], ["old words"])


async def test_what_is_redacted_is_found_no_more(desk: Desk) -> None:
    room = await desk.room("keep this", "drop this")
    target = (await desk.world.log(room))[-1].event.event_id
    await desk.fill()
    assert await desk.find("this") == ["drop this", "keep this"]
    await desk.world.redact(room, target)
    await desk.fill()
    assert await desk.find("this") == ["keep this"]
    assert await desk.find("drop") == []


async def test_edits_and_redactions_read_together_with_what_they_are_of(desk: Desk) -> None:
    room = await desk.room("old words", "gone words")
    log = await desk.world.log(room)
    await desk.world.put(room, edit(ALICE, log[-2].event.event_id, "new words"))
    await desk.world.redact(room, log[-1].event.event_id)
    await desk.fill()
    assert await desk.find("words") == ["old words"]
    assert await desk.find("old") == []


async def test_each_event_comes_once_however_often_the_filling_begins_anew(desk: Desk) -> None:
    room = await desk.room(*(f"word {n}" for n in range(20)))
    await desk.fill()
    await desk.fill()
    await said(desk, room, says(BOB, "word 20"))
    await desk.fill()
    found = await desk.find("word", room)
    assert found == [f"word {n}" for n in range(20, -1, -1)]
    assert len(await desk.texts()) == 21


async def test_history_that_arrives_late_is_found(desk: Desk) -> None:
    room = await desk.room("present")
    await desk.fill()
    past = [_built(room, says(BOB, f"past {n}"), 1000 - n, 2) for n in (1, 2)]

    def fill_gap(draft: Draft) -> None:
        add(draft, room, Put(ALICE, "m.room.name", {"name": "now"}, ""))
        for n, event in enumerate(past, start=1):
            item = TimelineEvent(
                event,
                seq=3,
                back=-n,
                slot=draft.slot,
                pos=draft.next_pos(),
                sender_nid=NIDS[BOB],
                notify_ord=0,
            )
            draft.write(w.INSERT_EVENT, _event(room.nid, item))
        draft.write(w.UPSERT_GAP, (room.nid, 3, -2, 0, b"\x90", draft.slot, draft.next_pos()))

    await desk.world.writer.submit(fill_gap)
    await desk.fill()
    assert await desk.find("past") == ["past 1", "past 2"]
    await said(desk, room, Put(ALICE, "m.room.name", {"name": "later"}, ""))
    assert await desk.find("past") == ["past 1", "past 2"]
    assert len(await desk.texts()) == 5


async def test_all_rooms_are_read_the_first_time_with_what_lies_in_their_gaps(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fill_index, "EVENTS_AT_ONCE", 3)
    monkeypatch.setattr(fill_index, "ROOMS_AT_ONCE", 2)
    for number in range(5):
        room = await desk.room(*(f"room {number} text {n}" for n in range(number)))
        await desk.world.history(room, 2, *(says(BOB, f"past {n}") for n in range(number)))
    await desk.fill()
    assert len(await desk.find("text")) == len(await desk.find("past")) == 10
    assert len(await desk.texts()) == 20


async def test_an_older_cursor_stores_nothing(desk: Desk) -> None:
    room = await desk.room("before")
    first = await desk.log.take()
    assert first is not None
    second = await desk.log.take()
    assert second is not None
    assert second.rev > first.rev
    with pytest.raises(RoleLostError):
        await FillIndex(desk.log, desk.directory, desk.tail, first)()
    assert await desk.texts() == []
    await FillIndex(desk.log, desk.directory, desk.tail, second)()
    assert await desk.find("before", room) == ["before"]


async def test_the_role_is_one_living_process_s(desk: Desk) -> None:
    lease = desk.store.writer.lease
    desk.holder = lease.holder
    assert await desk.log.take() is not None
    other = SqlSearchLog(desk.store.database, desk.store.clock, lambda: b"holder 2")
    assert await other.take() is None
    assert await desk.log.take() is not None
    desk.store.clock.advance(11)  # nobody beats in this test
    assert await other.take() is not None
    assert await desk.log.take() is not None, "the new holder has no slot that beats"


async def test_a_backup_holds_the_index(desk: Desk, tmp_path: Path) -> None:
    room = await desk.room("saved 会议", "more")
    await desk.fill()
    await dump(desk.store.database, tmp_path / "backup")
    await said(desk, room, says(BOB, "not saved"))
    assert len(await desk.find("saved")) == 2
    await load(desk.store.database, tmp_path / "backup", desk.store.server_name)
    assert await desk.find("saved") == ["saved 会议"]
    assert await desk.find("会议") == ["saved 会议"]
    assert await desk.find("not") == []


@pytest.mark.parametrize(("source", "target"), [("sqlite", "mysql"), ("mysql", "sqlite")])
async def test_the_index_goes_with_a_backup_to_another_database(
    source: str, target: str, tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with (
        open_store(source, tmp_path / "a") as old,
        open_world(old.database, "second") as world,
        open_store(target, tmp_path / "b") as new,
    ):
        desk = Desk(old, world)
        await desk.room("saved 会议", "more")
        await desk.fill()
        await dump(old.database, tmp_path / "backup")
        await load(new.database, tmp_path / "backup", new.server_name)
        assert await new.dump("search_text") == await old.dump("search_text")
        mysql = new if target == "mysql" else old
        expected = sum_of(await old.dump("search_text"))
        assert await sum_in(mysql.database, t.search_text) == expected  # as `firn move` compares
        found = [
            await SqlSearchIndex(store.database).find(
                Question(terms_of("会议"), [SearchKey.BODY]), [desk.rooms[0].nid], 9
            )
            for store in (old, new)
        ]
        assert found[0] == found[1]
        assert len(found[0]) == 1


async def test_a_user_with_an_account_is_found_by_the_name_of_the_profile(desk: Desk) -> None:
    room = await desk.room("hello")
    await said(desk, room, member(BOB, "join"))  # who is called "bob" there

    def change(draft: Draft) -> None:
        account = (NIDS[BOB], None, 0, 0, 1, None, None, draft.slot, draft.next_pos())
        draft.write(INSERT_ACCOUNT, account)
        profile = (NIDS[BOB], b"Robert", b"mxc://a/b", b"{}", 1, draft.slot, draft.next_pos())
        draft.write(UPSERT_PROFILE, profile)
        add(draft, room, member(BOB, "join"))

    await desk.world.writer.submit(change)
    await desk.fill()
    search = SearchUsers(desk.index, desk.directory, desk.fill)
    person = Person(BOB, "Robert", "mxc://a/b")
    assert await search(requester(ALICE), "rob", 9) == ([person], False)
    assert await search(requester(ALICE), "bob", 9) == ([person], False)  # the id
    assert await search(requester(CAROL), "rob", 9) == ([], False)
    everybody = await search(requester(ALICE), "example", 9)
    assert {each.user_id for each in everybody.people} == {ALICE, BOB}
