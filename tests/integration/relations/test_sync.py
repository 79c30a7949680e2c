"""Relations in /sync: bundles of limited timelines, one rendering for many readers, filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.relations.conftest import chunk, edit, react, relate
from tests.support.syncing import ids

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown


def limited_to(count: int, **more: Any) -> dict[str, Any]:
    return {"room": {"timeline": {"limit": count, **more}}}


def relations(found: dict[str, Any], room: str, event_id: str) -> dict[str, Any]:
    """What is bundled with an event of a joined room's timeline."""
    events = found["rooms"]["join"][room]["timeline"]["events"]
    wanted = next(event for event in events if event["event_id"] == event_id)
    told: dict[str, Any] = wanted["unsigned"].get("m.relations", {})
    return told


async def test_a_timeline_with_all_of_it_is_for_the_client_to_aggregate(
    romeo: Phone, juliet: Phone, room: str
) -> None:
    await juliet.get()
    said = await romeo.send(room, "a")
    await edit(romeo, room, said, "b")
    found = await juliet.get()
    assert relations(found, room, said) == {}


async def test_one_rendering_serves_all_but_those_who_take_part(
    romeo: Phone, juliet: Phone, nurse: Phone, room: str
) -> None:
    await nurse.do("join", room)
    for who in (romeo, juliet, nurse):
        await who.get()
    await romeo.send(room, "before")
    root = await romeo.send(room, "root")
    last = await relate(juliet, room, root, "m.thread")
    for who, takes_part in ((nurse, False), (juliet, True), (romeo, True)):
        found = await who.get(limited_to(2))
        assert found["rooms"]["join"][room]["timeline"]["limited"] is True
        thread = relations(found, room, root)["m.thread"]
        assert (thread["count"], thread["latest_event"]["event_id"]) == (1, last)
        assert thread["current_user_participated"] is takes_part
        own = "transaction_id" in thread["latest_event"]["unsigned"]
        assert own is (who is juliet)


async def test_what_came_later_is_not_told_yet(
    town: SyncTown, romeo: Phone, juliet: Phone, room: str
) -> None:
    """An answer tells of children as they were at its end, whatever came since."""
    await juliet.get()
    for n in range(3):
        await romeo.send(room, f"{n}")
    root = await romeo.send(room, "root")
    first = await relate(romeo, room, root, "m.thread")
    found = await juliet.get(limited_to(2))
    assert relations(found, room, root)["m.thread"]["count"] == 1
    await relate(romeo, room, root, "m.thread")
    later = await juliet.get(limited_to(2))
    assert root not in ids(later["rooms"]["join"][room])
    whole = await juliet.fresh(limited_to(3))
    assert relations(whole, room, root)["m.thread"]["count"] == 2
    assert first in ids(whole["rooms"]["join"][room])


async def test_a_redacted_child_is_gone_for_the_next_reader(
    romeo: Phone, juliet: Phone, nurse: Phone, room: str
) -> None:
    await nurse.do("join", room)
    for who in (juliet, nurse):
        await who.get()
    await romeo.send(room, "before")
    said = await romeo.send(room, "a")
    changed = await edit(romeo, room, said, "b")
    assert "m.replace" in relations(await juliet.get(limited_to(2)), room, said)
    await romeo.redact(room, changed)
    assert relations(await nurse.get(limited_to(3)), room, said) == {}


async def test_ignored_users_do_not_count_in_sync(romeo: Phone, juliet: Phone, room: str) -> None:
    await romeo.send(room, "before")
    root = await romeo.send(room, "root")
    await relate(juliet, room, root, "m.thread")
    await romeo.keep("m.ignored_user_list", {"ignored_users": {juliet.user_id: {}}})
    assert relations(await romeo.fresh(limited_to(1)), room, root) == {}
    assert "m.thread" in relations(await juliet.fresh(limited_to(2)), room, root)


async def test_who_left_is_told_of_children_up_to_the_leave(
    romeo: Phone, juliet: Phone, room: str
) -> None:
    await juliet.get()
    await romeo.send(room, "before")
    root = await romeo.send(room, "root")
    await relate(romeo, room, root, "m.thread")
    await juliet.do("leave", room)
    await relate(romeo, room, root, "m.thread")
    part = (await juliet.get(limited_to(3)))["rooms"]["leave"][room]
    wanted = next(e for e in part["timeline"]["events"] if e["event_id"] == root)
    assert wanted["unsigned"]["m.relations"]["m.thread"]["count"] == 1


@pytest.mark.parametrize("cold", [False, True])
async def test_filters_by_relation(
    town: SyncTown, romeo: Phone, juliet: Phone, room: str, cold: bool
) -> None:
    plain = await romeo.send(room, "plain")
    threaded = await romeo.send(room, "threaded")
    liked = await romeo.send(room, "liked")
    await relate(juliet, room, threaded, "m.thread")
    await react(romeo, room, liked, "👍")
    gone = await react(juliet, room, plain, "👍")
    await juliet.redact(room, gone)
    if cold:
        for n in range(70):
            await romeo.send(room, f"{n}")
        await town.restart()
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"related_by_rel_types": ["m.thread"]}, [threaded]),
        ({"related_by_rel_types": ["m.thread", "m.annotation"]}, [threaded, liked]),
        ({"related_by_senders": [juliet.user_id]}, [threaded]),
        ({"related_by_senders": [romeo.user_id, juliet.user_id]}, [threaded, liked]),
        (
            {
                "related_by_senders": [juliet.user_id],
                "related_by_rel_types": ["m.annotation"],
            },
            [],
        ),
        ({"related_by_rel_types": []}, []),
        ({"related_by_rel_types": ["m.thread"], "types": ["org.none"]}, []),
    ]
    for wanted, expected in cases:
        found = await juliet.fresh({"room": {"timeline": wanted}})
        assert ids(found["rooms"]["join"][room]) == expected, wanted
        page = await juliet.room_call("GET", room, "messages", dir="f", filter=_json(wanted))
        assert chunk(page) == expected, wanted


def _json(value: dict[str, Any]) -> str:
    import json

    return json.dumps(value)


async def test_context_takes_the_filter_too(romeo: Phone, room: str) -> None:
    liked = await romeo.send(room, "liked")
    await romeo.send(room, "plain")
    middle = await romeo.send(room, "middle")
    await react(romeo, room, liked, "👍")
    wanted = _json({"related_by_rel_types": ["m.annotation"]})
    found = await romeo.room_call("GET", room, f"context/{middle}", filter=wanted)
    assert [e["event_id"] for e in found["events_before"]] == [liked]
    assert found["events_after"] == []
