"""Sync-point 20: unread counts as /sync tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
