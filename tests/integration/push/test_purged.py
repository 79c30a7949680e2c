"""What was purged is not told any more, and badges fall by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.integration.purging.conftest import administrator, purge
from tests.integration.push.conftest import equipped
from tests.support.gateway import events

if TYPE_CHECKING:
    from tests.support.gateway import Gateway
    from tests.support.syncing import Phone, SyncTown


async def test_badges_fall_with_a_purge(
    town: SyncTown, romeo: Phone, juliet: Phone, gateway: Gateway
) -> None:
    room = await equipped(town, romeo, juliet, gateway)
    sent = [await romeo.send(room, f"word {n}") for n in range(3)]
    assert (await gateway.hears(3))[2]["counts"] == {"unread": 3}
    await purge(await administrator(town), room, before_event_id=sent[2])
    badge = (await gateway.hears(4))[3]
    assert (badge["counts"], badge["prio"], badge.get("event_id")) == ({"unread": 1}, "low", None)


async def test_what_was_purged_before_it_was_sent_is_not_told(
    town: SyncTown, romeo: Phone, juliet: Phone, gateway: Gateway
) -> None:
    room = await equipped(town, romeo, juliet, gateway)
    gateway.open.clear()
    first = await romeo.send(room, "under way already")
    await gateway.hears(1)
    await romeo.send(room, "purged before it is sent")
    last = await romeo.send(room, "still news")
    await purge(await administrator(town), room, before_event_id=last)
    gateway.open.set()
    assert events(await gateway.hears(2)) == [first, last]
