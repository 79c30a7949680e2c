"""Purges that come while something else is under way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

from homeserver.infrastructure.sql.event_codec import PURGED
from tests.integration.purging.conftest import purge
from tests.support.purging import clear

if TYPE_CHECKING:
    import pytest

    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent
    from tests.support.syncing import Phone, SyncTown


async def test_a_redaction_whose_target_is_purged_meanwhile_is_refused(
    town: SyncTown, admin: Phone, romeo: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would bring back a body, stripped, behind the floor and behind the clearing."""
    room = await romeo.create_room()
    target, last = await romeo.send(room, "spam"), await romeo.send(room, "last")
    read = town.core.store.event
    purges = 0

    async def event(held: Room, event_id: str) -> TimelineEvent | None:
        nonlocal purges
        found = await read(held, event_id)
        if event_id == target and not purges:
            purges += 1
            await purge(admin, room, before_event_id=last)
            await clear(town.core.database)
        return found

    monkeypatch.setattr(town.core.store, "event", event)
    status, text = await romeo.raw("PUT", f"/rooms/{quote(room)}/redact/{quote(target)}/t", {})
    assert (status, "M_NOT_FOUND" in text, purges) == (404, True, 1)
    rows = {row[1]: row[-2:] for row in await town.store.dump("event")}
    seq = (await town.core.rooms.get(room)).floor.seq
    assert rows[seq] == (PURGED, b"")
    assert (await romeo.room_call("GET", room, "messages", dir="b"))["chunk"][0]["event_id"] == last


async def test_messages_go_on_while_a_room_is_purged_again_and_again(
    town: SyncTown, admin: Phone, romeo: Phone, juliet: Phone
) -> None:
    """Each is acknowledged once and stands in the log once, in order, whatever is purged."""
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    sent: list[str] = []

    async def talk() -> None:
        for number in range(40):
            sent.append(await romeo.send(room, f"word {number}"))  # noqa: PERF401 (seen meanwhile)

    async def purging() -> None:
        while len(sent) < 40:
            if sent:
                await purge(admin, room, before_event_id=sent[-1])
                await clear(town.core.database, 5)
            await asyncio.sleep(0)

    await asyncio.gather(talk(), purging())
    assert len(set(sent)) == 40
    found = await juliet.room_call("GET", room, "messages", dir="b", limit=50)
    ids = [each["event_id"] for each in found["chunk"]]
    assert ids == sent[: -len(ids) - 1 : -1]
    head = (await town.core.rooms.get(room)).head.seq
    assert head == max(row[1] for row in await town.store.dump("event"))
    part = (await juliet.fresh())["rooms"]["join"][room]
    assert part["unread_notifications"]["notification_count"] == len(ids)
