"""`GET /notifications`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from homeserver.application.push import list_notifications, notified_rooms
from tests.support.client import MatrixRefusal

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown


async def _page(phone: Phone, **query: Any) -> dict[str, Any]:
    found: dict[str, Any] = await phone.call("GET", "/notifications", query=query)
    return found


async def _all(phone: Phone, **query: Any) -> list[str]:
    """The events of all pages."""
    page = await _page(phone, **query)
    found = page["notifications"]
    while "next_token" in page:
        page = await _page(phone, **query, **{"from": page["next_token"]})
        found += page["notifications"]
    return [each["event"]["event_id"] for each in found]


async def _mention(sender: Phone, room: str, whom: Phone) -> str:
    content: dict[str, Any] = {"body": "you", "m.mentions": {"user_ids": [whom.user_id]}}
    return await sender.send(room, msgtype="m.text", **content)


async def test_they_come_newest_first_from_all_rooms_with_what_is_read(
    romeo: Phone, juliet: Phone
) -> None:
    assert await _page(juliet) == {"notifications": []}
    rooms = [await romeo.create_room(preset="public_chat") for _ in range(2)]
    await romeo.send(rooms[0], "before she came")
    for room in rooms:
        await juliet.do("join", room)
    first = await romeo.send(rooms[0], "one")
    second = await _mention(romeo, rooms[1], juliet)
    await juliet.read(rooms[0], first)
    third = await romeo.send(rooms[0], "three")
    await romeo.topic(rooms[0], "not worth a notification")
    found = (await _page(juliet))["notifications"]
    assert [(n["event"]["event_id"], n["room_id"], n["read"]) for n in found] == [
        (third, rooms[0], False),
        (second, rooms[1], False),
        (first, rooms[0], True),
    ]
    sound, highlight = (
        {"set_tweak": "sound", "value": "default"},
        {"set_tweak": "highlight", "value": True},
    )
    assert found[1]["actions"] == ["notify", sound, highlight]
    assert found[0]["event"]["content"]["body"] == "three"
    assert found[0]["ts"] == found[0]["event"]["origin_server_ts"]
    assert "room_id" not in found[0]["event"]
    assert await _all(juliet, only="highlight") == [second]
    own = await juliet.send(rooms[1], "an answer")
    assert [n["read"] for n in (await _page(juliet))["notifications"]] == [False, True, True]
    assert own not in await _all(juliet)
    assert await _all(romeo) == [own]


async def test_invitations_are_listed_until_they_are_answered_and_after(
    romeo: Phone, juliet: Phone
) -> None:
    room, public = await romeo.create_room(), await romeo.create_room(preset="public_chat")
    await juliet.do("join", public)
    await romeo.do("invite", room, juliet)
    await romeo.send(room, "not for her yet")
    said = await romeo.send(public, "said")
    first, second = (await _page(juliet))["notifications"]
    assert (first["event"]["event_id"], second["room_id"]) == (said, room)
    assert second["event"]["content"]["membership"] == "invite"
    assert second["read"] is False
    assert {"set_tweak": "sound", "value": "default"} in second["actions"]
    invitation = second["event"]["event_id"]
    assert await _all(juliet, limit=1) == [said, invitation]
    await juliet.keep("m.ignored_user_list", {"ignored_users": {romeo.user_id: {}}})
    assert await _all(juliet) == []
    await juliet.keep("m.ignored_user_list", {"ignored_users": {}})
    await juliet.do("join", room)
    found = {n["event"]["event_id"]: n["read"] for n in (await _page(juliet))["notifications"]}
    assert found == {said: False, invitation: True}


async def test_pages_add_up_whatever_their_size_and_survive_a_restart(
    town: SyncTown, romeo: Phone, juliet: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notified_rooms, "PIECES", (3, 1000))
    rooms = [await romeo.create_room(preset="public_chat") for _ in range(3)]
    for room in rooms:
        await juliet.do("join", room)
    sent = [await romeo.send(rooms[n % 3 % 2], f"{n}") for n in range(14)]
    expected = await _all(juliet, limit=100)
    assert sorted(expected) == sorted(sent)
    for limit in (1, 4, 14, 15):
        assert await _all(juliet, limit=limit) == expected
    page = await _page(juliet, limit=5)
    await town.restart()
    rest = await _page(juliet, limit=100, **{"from": page["next_token"]})
    assert [n["event"]["event_id"] for n in rest["notifications"]] == expected[5:]
    assert "next_token" not in rest
    monkeypatch.setattr(list_notifications, "MAX_SCAN", 2)
    assert await _all(juliet) == expected


async def test_the_rules_of_now_redactions_and_ignored_users_decide(
    romeo: Phone, juliet: Phone
) -> None:
    room, quiet = [await romeo.create_room(preset="public_chat") for _ in range(2)]
    for each in (room, quiet):
        await juliet.do("join", each)
    one, two = await romeo.send(room, "one"), await romeo.send(room, "two")
    muted = await romeo.send(quiet, "three")
    await romeo.redact(room, two)
    assert await _all(juliet) == [muted, one]
    await juliet.call("PUT", f"/pushrules/global/room/{quote(quiet)}", {"actions": []})
    assert await _all(juliet) == [one]
    await juliet.keep("m.ignored_user_list", {"ignored_users": {romeo.user_id: {}}})
    assert await _all(juliet) == []
    await juliet.keep("m.ignored_user_list", {"ignored_users": {}})
    await juliet.do("leave", room)
    assert await _all(juliet) == []


@pytest.mark.parametrize("query", [{"from": "x"}, {"limit": "0"}, {"limit": "many"}])
async def test_a_bad_query_is_refused(juliet: Phone, query: dict[str, str]) -> None:
    with pytest.raises(MatrixRefusal) as refused:
        await _page(juliet, **query)
    assert (refused.value.status, refused.value.errcode) == (400, "M_INVALID_PARAM")


PATTERNS = ("*a*a*a*a*b", "*a?a*a?a*b", "a*" * 50 + "b", "?" * 100 + "*b")


async def test_E8_hostile_globs_on_64_kib_cost_linear_time(romeo: Phone, juliet: Phone) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    for number, pattern in enumerate(PATTERNS):
        condition = {"kind": "event_match", "key": "content.long", "pattern": pattern}
        rules = (
            ("content", {"pattern": pattern, "actions": ["notify"]}),
            ("override", {"conditions": [condition], "actions": ["notify"]}),
        )
        for kind, rule in rules:
            await juliet.call("PUT", f"/pushrules/global/{kind}/p{number}", rule)
    await juliet.get()
    async with asyncio.timeout(10):
        for _ in range(3):
            await romeo.send(room, msgtype="m.text", body="a" * 31_000, long="a" * 31_000)
        part = (await juliet.get())["rooms"]["join"][room]
        assert part["unread_notifications"]["notification_count"] == 3
        assert len(await _all(juliet)) == 3
