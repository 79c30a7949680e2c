"""Sync-point 20: unread counts as /sync tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from homeserver.application.push import tallies

if TYPE_CHECKING:
    import pytest

    from tests.support.syncing import Phone, SyncTown


async def _counts(phone: Phone, room: str) -> tuple[int, int]:
    part = (await phone.get())["rooms"]["join"][room]["unread_notifications"]
    return part["notification_count"], part["highlight_count"]


async def _fresh(phone: Phone, room: str) -> tuple[int, int]:
    part = (await phone.fresh())["rooms"]["join"][room]["unread_notifications"]
    return part["notification_count"], part["highlight_count"]


async def test_counts_through_reading_sending_and_a_restart(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    other = await town.phone("juliet")
    room = await romeo.create_room(preset="public_chat", name="Verona")
    await juliet.do("join", room)
    await juliet.get()
    await other.get()
    await romeo.send(room, "one")
    two = await romeo.send(room, "two")
    mention: dict[str, Any] = {
        "m.mentions": {"user_ids": [juliet.user_id]},
        "msgtype": "m.text",
        "body": "you",
    }
    three = await romeo.send(room, **mention)
    assert await _counts(juliet, room) == (3, 1)
    assert await _counts(other, room) == (3, 1)
    await town.restart()
    assert await _fresh(juliet, room) == (3, 1)
    await juliet.read(room, two)
    assert await _counts(other, room) == (1, 1)
    assert await _counts(juliet, room) == (1, 1)
    await other.read(room, three, "m.read.private")
    assert await _counts(juliet, room) == (0, 0)
    await romeo.send(room, "four")
    assert await _counts(juliet, room) == (1, 0)
    await juliet.send(room, "an answer")
    assert await _counts(juliet, room) == (0, 0)
    assert await _counts(other, room) == (0, 0)
    await town.restart()
    assert await _fresh(other, room) == (0, 0)


async def test_a_redaction_takes_back_what_it_counted(romeo: Phone, juliet: Phone) -> None:
    room = await romeo.create_room(preset="public_chat", name="Verona")
    await juliet.do("join", room)
    await juliet.get()
    event_id = await romeo.send(room, "one")
    assert await _counts(juliet, room) == (1, 0)
    await romeo.redact(room, event_id)
    assert await _counts(juliet, room) == (0, 0)


async def test_a_rule_changes_the_counts_of_all_rooms_at_once(romeo: Phone, juliet: Phone) -> None:
    quiet, other, read = [await romeo.create_room(preset="public_chat") for _ in range(3)]
    for room in (quiet, other, read):
        await juliet.do("join", room)
        last = await romeo.send(room, "a cake")
    await juliet.read(read, last)
    await juliet.get()
    await juliet.call("PUT", f"/pushrules/global/room/{quote(quiet)}", {"actions": []})
    assert _all_counts(await juliet.get()) == {quiet: (0, 0), other: (1, 0)}
    cake = {"pattern": "cake", "actions": ["notify", {"set_tweak": "highlight"}]}
    await juliet.call("PUT", "/pushrules/global/content/cake", cake)
    assert _all_counts(await juliet.get()) == {quiet: (1, 1), other: (1, 1)}
    await romeo.send(quiet, "bread")
    await romeo.send(other, "bread")
    assert _all_counts(await juliet.get()) == {quiet: (1, 1), other: (2, 1)}
    await juliet.call("PUT", "/pushrules/global/content/cake/enabled", {"enabled": False})
    assert _all_counts(await juliet.get()) == {quiet: (0, 0), other: (2, 0)}
    assert "rooms" not in await juliet.get()


async def test_what_ignored_users_say_is_not_counted(romeo: Phone, juliet: Phone) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await romeo.send(room, "one")
    assert await _counts(juliet, room) == (1, 0)
    await juliet.keep("m.ignored_user_list", {"ignored_users": {romeo.user_id: {}}})
    assert await _counts(juliet, room) == (0, 0)
    await juliet.keep("m.ignored_user_list", {"ignored_users": {}})
    assert await _counts(juliet, room) == (1, 0)


async def test_only_the_newest_events_count_by_own_rules(
    town: SyncTown, romeo: Phone, juliet: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "MAX_JUDGED", 3)
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await juliet.call("PUT", "/pushrules/global/sender/@nobody:x", {"actions": []})
    for n in range(5):
        await romeo.send(room, f"{n}")
        assert await _counts(juliet, room) == (min(n + 1, 3), 0)
    await town.restart()
    assert await _fresh(juliet, room) == (3, 0)


def _all_counts(answer: dict[str, Any]) -> dict[str, tuple[int, int]]:
    counts = {}
    for room, part in answer["rooms"]["join"].items():
        unread = part["unread_notifications"]
        counts[room] = unread["notification_count"], unread["highlight_count"]
    return counts
