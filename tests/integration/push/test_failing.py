"""Gateways that fail, refuse, reject or hang; on both stores, over HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from homeserver.application.push import lanes, outbox
from homeserver.domain.push import retry
from tests.integration.push.conftest import equipped, in_a_room, pushing
from tests.support.gateway import Gateway, events, open_gateway

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown


async def settled(town: SyncTown) -> None:
    """Wait until nothing is owed any more, in the store either."""
    async with asyncio.timeout(30):
        while await town.store.dump("push_notice") or await town.store.dump("push_retry"):
            await asyncio.sleep(0.02)


async def keys(phone: Phone) -> list[str]:
    """The pushers of a user."""
    answer = await phone.call("GET", "/pushers")
    return [each["pushkey"] for each in answer["pushers"]]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("status", [500, 503, 429])
async def test_a_failing_gateway_is_asked_again_and_the_order_is_kept(
    town: SyncTown, romeo: Phone, juliet: Phone, gateway: Gateway, status: int
) -> None:
    room = await equipped(town, romeo, juliet, gateway)
    gateway.status = status
    sent = [await romeo.send(room, f"message {number}") for number in range(3)]
    told = await gateway.hears(4)
    assert events(told) == [sent[0]] * 4
    gateway.status = 200
    assert events(await gateway.accepts(3)) == sent
    await settled(town)
    assert town.push.figures.failed >= 4
    assert town.push.figures.delivered == 3
    assert town.push.figures.owed == 0


@pytest.mark.usefixtures("impatient")
async def test_what_a_gateway_refuses_is_given_up_and_the_next_is_tried(
    town: SyncTown, romeo: Phone, juliet: Phone, gateway: Gateway
) -> None:
    room = await equipped(town, romeo, juliet, gateway)
    gateway.status = 400
    refused = await romeo.send(room, "refused")
    wanted = await romeo.send(room, "wanted")
    told = await gateway.hears(retry.REFUSED_TRIES + 1)
    gateway.status = 200
    assert events(told)[: retry.REFUSED_TRIES + 1] == [refused] * retry.REFUSED_TRIES + [wanted]
    assert events(await gateway.accepts(1)) == [wanted]
    await settled(town)
    assert town.push.figures.dropped == 1


async def test_a_rejected_pushkey_loses_its_pusher(
    town: SyncTown, romeo: Phone, juliet: Phone, gateway: Gateway
) -> None:
    room = await equipped(town, romeo, juliet, gateway, "good", "bad")
    gateway.rejected = ["bad", "of somebody else"]
    await romeo.send(room, "one")
    await gateway.hears(2)
    async with asyncio.timeout(10):
        while await keys(juliet) != ["good"]:
            await asyncio.sleep(0.02)
    await romeo.send(room, "two")
    told = await gateway.hears(3)
    assert [body["devices"][0]["pushkey"] for body in told[2:]] == ["good"]
    await settled(town)
    assert town.push.figures.rejected == 1


async def test_a_gateway_that_hangs_holds_up_nobody_else(
    town: SyncTown, romeo: Phone, juliet: Phone, nurse: Phone, gateway: Gateway
) -> None:
    await pushing(town)
    room = await in_a_room(romeo, juliet)
    await nurse.do("join", room)
    async with open_gateway() as dead:
        dead.open.clear()
        for number in range(lanes.PER_HOST + 2):
            await dead.equip(juliet, f"dead {number}")
        await gateway.equip(nurse)
        sent = [await romeo.send(room, f"message {number}") for number in range(5)]
        assert events(await gateway.accepts(5)) == sent
        assert len(dead.told) <= lanes.PER_HOST
        assert not dead.accepted
        dead.open.set()
        await settled(town)
        assert set(events(dead.accepted)) == set(sent)


@pytest.mark.usefixtures("impatient")
async def test_a_gateway_that_comes_back_is_told_at_once_by_all(
    town: SyncTown, romeo: Phone, juliet: Phone, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pauses are long by then; the first success ends them."""
    room = await equipped(town, romeo, juliet, gateway, "first")
    gateway.status = 502
    await romeo.send(room, "to the first")
    await gateway.hears(lanes.DOWN_AFTER)
    monkeypatch.setattr(retry, "FIRST_MS", 600_000)
    await gateway.equip(juliet, "second")
    heard = len(gateway.told)
    await romeo.send(room, "to both")
    told = await gateway.hears(heard + 1)
    assert {body["devices"][0]["pushkey"] for body in told[heard:]} == {"second"}
    gateway.status = 200
    await gateway.equip(juliet, "third")
    await romeo.send(room, "to all")
    accepted = await gateway.accepts(6)
    assert town.push.figures.failed == len(gateway.told) - 6
    by_key = [body["devices"][0]["pushkey"] for body in accepted]
    assert sorted(by_key) == ["first"] * 3 + ["second"] * 2 + ["third"]
    await settled(town)


@pytest.mark.usefixtures("impatient")
async def test_only_the_newest_are_kept_for_who_cannot_be_reached(
    town: SyncTown, romeo: Phone, juliet: Phone, gateway: Gateway
) -> None:
    room = await equipped(town, romeo, juliet, gateway)
    gateway.open.clear()
    sent = [await romeo.send(room, f"message {number}") for number in range(1)]
    await gateway.hears(1)
    sent += [await romeo.send(room, f"message {n}") for n in range(outbox.MAX_OF_ONE + 9)]
    async with asyncio.timeout(10):
        while town.push.figures.dropped < 10:
            await asyncio.sleep(0.02)
    gateway.open.set()
    kept = [sent[0], *sent[-outbox.MAX_OF_ONE + 1 :]]
    assert events(await gateway.accepts(len(kept))) == kept
    await settled(town)


@pytest.mark.usefixtures("impatient")
async def test_what_is_owed_is_delivered_after_a_restart(
    town: SyncTown, romeo: Phone, juliet: Phone, gateway: Gateway
) -> None:
    """With its failures: a gateway that was down is not asked sooner for it."""
    room = await equipped(town, romeo, juliet, gateway)
    gateway.status = 500
    sent = [await romeo.send(room, "one"), await romeo.send(room, "two")]
    await gateway.hears(3)
    await town.restart()
    ((*_, failures, _),) = await town.store.dump("push_retry")
    assert failures >= 2
    sent.append(await romeo.send(room, "three"))
    gateway.status = 200
    town.push.start()
    assert events(await gateway.accepts(3)) == sent
    await settled(town)


async def test_a_private_address_is_never_connected_to(
    town: SyncTown, romeo: Phone, juliet: Phone, gateway: Gateway
) -> None:
    """Were the network not allowed, this very gateway would hear nothing."""
    room = await equipped(town, romeo, juliet, gateway)
    http = town.push.gateway
    http._networks = tuple  # as a reload of the settings does
    await romeo.send(room, "secret")
    async with asyncio.timeout(10):
        while not town.push.figures.forbidden:
            await asyncio.sleep(0.02)
    assert gateway.told == []
