"""Filters of `/messages` and `/context`, against an evaluation of their text event by event."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.support.store import STORE_KINDS
from tests.support.syncing import SyncTown, open_sync_town

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.support.syncing import Phone

    Event = dict[str, Any]
    Talk = tuple[Phone, str, list[Event]]

ROMEO, JULIET = "@romeo:firn.test", "@juliet:firn.test"
ELSEWHERE = "!elsewhere:firn.test"


@pytest_asyncio.fixture(params=STORE_KINDS)
async def town(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SyncTown]:
    """A whole worker: relations and rooms of real users."""
    async with open_sync_town(request.param, tmp_path) as opened:
        yield opened


@pytest_asyncio.fixture
async def talk(town: SyncTown) -> Talk:
    """A reader, a room in which two said and did many things, and all that they did."""
    romeo, juliet = await town.phone("romeo"), await town.phone("juliet")
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    for number in range(12):
        for phone in (romeo, juliet):
            first = await phone.send(room, f"{phone.user_id} {number}")
            image = {"msgtype": "m.image", "body": "i", "url": "mxc://a/b"}
            await phone.send(room, **image)
            path = f"send/{('m.sticker', 'im.firn.x', 'im.firn.y')[number % 3]}/t{number}"
            await phone.room_call("PUT", room, path, {"url": 5} if number % 2 else {})
            if number % 4 == 0:
                reply: dict[str, Any] = {"msgtype": "m.text", "body": "r"}
                reply["m.relates_to"] = {"rel_type": "m.thread", "event_id": first}
                await (romeo if number % 8 else juliet).send(room, **reply)
        await romeo.topic(room, str(number))
    everything: list[Event] = []
    end = None
    while True:
        query: dict[str, Any] = {"from": end} if end else {}
        page = await juliet.room_call("GET", room, "messages", dir="f", limit=50, **query)
        everything += page["chunk"]
        end = page.get("end")
        if end is None:
            return juliet, room, everything


def kinds(*patterns: str) -> Callable[[Event], bool]:
    """Whether a type fits one of these."""
    return lambda event: any(fnmatchcase(event["type"], pattern) for pattern in patterns)


def is_by(*users: str) -> Callable[[Event], bool]:
    """Whether one of these sent it."""
    return lambda event: event["sender"] in users


def related(events: list[Event], rel_type: str | None, sender: str | None) -> set[str]:
    """The events that have a child of a kind, by somebody."""
    found = set()
    for event in events:
        relation = event["content"].get("m.relates_to", {})
        if rel_type in (None, relation.get("rel_type")) and sender in (None, event["sender"]):
            found.add(relation.get("event_id"))
    return found


FILTERS: list[tuple[dict[str, Any], Any]] = [
    ({}, lambda _e, _all: True),
    ({"types": ["m.room.message"]}, lambda e, _: kinds("m.room.message")(e)),
    ({"types": ["m.room.*", "im.firn.x"]}, lambda e, _: kinds("m.room.*", "im.firn.x")(e)),
    ({"types": []}, lambda _e, _all: False),
    ({"not_types": ["m.room.*"]}, lambda e, _: not kinds("m.room.*")(e)),
    (
        {"types": ["im.firn.*"], "not_types": ["*.x"]},
        lambda e, _: kinds("im.firn.*")(e) and not kinds("*.x")(e),
    ),
    ({"senders": [JULIET]}, lambda e, _: is_by(JULIET)(e)),
    ({"not_senders": [JULIET]}, lambda e, _: not is_by(JULIET)(e)),
    ({"senders": [ROMEO, JULIET], "not_senders": [ROMEO]}, lambda e, _: is_by(JULIET)(e)),
    ({"contains_url": True}, lambda e, _: "url" in e["content"]),
    ({"contains_url": False}, lambda e, _: "url" not in e["content"]),
    ({"rooms": [ELSEWHERE]}, lambda _e, _all: False),
    ({"not_rooms": [ELSEWHERE]}, lambda _e, _all: True),
    (
        {"related_by_rel_types": ["m.thread"]},
        lambda e, every: e["event_id"] in related(every, "m.thread", None),
    ),
    (
        {"related_by_senders": [ROMEO]},
        lambda e, every: e["event_id"] in related(every, None, ROMEO),
    ),
    (
        {"related_by_rel_types": ["m.thread"], "related_by_senders": [ROMEO], "senders": [JULIET]},
        lambda e, every: e["event_id"] in related(every, "m.thread", ROMEO) and is_by(JULIET)(e),
    ),
    ({"related_by_rel_types": ["m.none"]}, lambda _e, _all: False),
    (
        {"senders": [ROMEO], "contains_url": True, "not_types": ["m.sticker"]},
        lambda e, _: is_by(ROMEO)(e) and "url" in e["content"] and e["type"] != "m.sticker",
    ),
]


def named(part: Any) -> str | None:
    """A test id."""
    return json.dumps(part)[:60] if isinstance(part, dict) else ""


@pytest.mark.parametrize(("wanted", "takes"), FILTERS, ids=named)
async def test_pages_have_what_the_filter_takes(talk: Talk, wanted: Any, takes: Any) -> None:
    reader, room, everything = talk
    expected = [e["event_id"] for e in everything if takes(e, everything)]
    for direction in "bf":
        found: list[str] = []
        query: dict[str, Any] = {"dir": direction, "limit": 7, "filter": json.dumps(wanted)}
        while True:
            page = await reader.room_call("GET", room, "messages", **query)
            assert len(page["chunk"]) <= 7
            found += [e["event_id"] for e in page["chunk"]]
            if "end" not in page:
                break
            query["from"] = page["end"]
        assert found == (expected if direction == "f" else expected[::-1])


@pytest.mark.parametrize(("wanted", "takes"), FILTERS, ids=named)
async def test_contexts_have_what_the_filter_takes(talk: Talk, wanted: Any, takes: Any) -> None:
    reader, room, everything = talk
    middle = len(everything) // 2
    event = everything[middle]
    path = f"context/{quote(event['event_id'])}"
    found = await reader.room_call("GET", room, path, limit=10, filter=json.dumps(wanted))
    assert found["event"]["event_id"] == event["event_id"]
    for part, there in (
        ("events_before", everything[:middle][::-1]),
        ("events_after", everything[middle + 1 :]),
    ):
        expected = [e["event_id"] for e in there if takes(e, everything)][:5]
        assert [e["event_id"] for e in found[part]] == expected
    if not any(key.startswith("related") for key in wanted):  # state has no children
        state = await reader.room_call("GET", room, path, limit=0)
        held = {e["type"] for e in state["state"] if takes(e, everything)}
        assert {e["type"] for e in found["state"]} == held


@pytest.mark.parametrize("where", ["messages", "context"])
async def test_lazily_loaded_members_are_those_of_the_senders(talk: Talk, where: str) -> None:
    reader, room, everything = talk
    wanted = json.dumps({"lazy_load_members": True, "senders": [ROMEO]})
    if where == "messages":
        query = {"dir": "b", "limit": 3, "filter": wanted}
        found = await reader.room_call("GET", room, "messages", **query)
    else:
        by_romeo = [e["event_id"] for e in everything if e["sender"] == ROMEO]
        path = f"context/{quote(by_romeo[20])}"
        found = await reader.room_call("GET", room, path, limit=4, filter=wanted)
    members = [e["state_key"] for e in found["state"] if e["type"] == "m.room.member"]
    assert members == [ROMEO]


async def test_the_limit_of_the_filter_counts_where_the_query_has_none(talk: Talk) -> None:
    reader, room, _ = talk
    wanted = json.dumps({"limit": 3})
    page = await reader.room_call("GET", room, "messages", dir="b", filter=wanted)
    assert len(page["chunk"]) == 3
    page = await reader.room_call("GET", room, "messages", dir="b", limit=5, filter=wanted)
    assert len(page["chunk"]) == 5
