"""Services beside two workers: one of them tells, whatever the other one writes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from homeserver.application.appservices import deliver, keep_told
from homeserver.application.forwarding.crowded import preferred_worker
from tests.integration.appservices.test_identity import refused
from tests.support.bridge import Bridge
from tests.support.bridged import bridged_pair

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.bridged import Bridged


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The role is looked for often, and a service is asked again soon."""
    monkeypatch.setattr(keep_told, "LOOK_SECONDS", 0.3)
    monkeypatch.setattr(deliver, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(deliver, "LONGEST_PAUSE", 0.2)


@pytest.mark.usefixtures("_quick")
async def test_what_two_workers_write_comes_once_in_order_and_goes_on_with_one(
    tmp_path: Path, irc: Bridge
) -> None:
    async with bridged_pair(tmp_path, irc) as (one, other):
        romeo, ghost = await other.person("romeo"), await other.ghost(irc, "_irc_mercutio")
        room = await romeo.create_room(invite=[ghost.user_id])
        await ghost.call("POST", f"/join/{room}", {})
        for number in range(20):
            romeo.base = (one, other)[number % 2].base
            await romeo.send(room, str(number))
        await irc.until(lambda: "19" in irc.texts)
        assert irc.texts == [str(number) for number in range(20)]

        irc.answer, before = 500, len(irc.transactions)
        romeo.base = other.base
        await romeo.send(room, "held up")
        await irc.until(lambda: len(irc.transactions) > before)
        await one.stop()
        await romeo.send(room, "after")
        irc.answer = 200
        await irc.until(lambda: "after" in irc.texts)
        again = [t for t in irc.transactions[before:] if "held up" in str(t.body)]
        assert len({t.txn_id for t in again}) == 1
        assert all(t.body == again[0].body for t in again)
        assert irc.texts[-2:] == ["held up", "after"]


async def test_who_takes_over_knows_who_was_in_the_room_when_the_last_one_stopped(
    tmp_path: Path, irc: Bridge
) -> None:
    async with bridged_pair(tmp_path, irc) as (one, other):
        romeo, ghost = await other.person("romeo"), await other.ghost(irc, "_irc_mercutio")
        room = await romeo.create_room(invite=[ghost.user_id])
        await ghost.call("POST", f"/join/{room}", {})
        await romeo.send(room, "heard")
        await irc.until(lambda: "heard" in irc.texts)
        await one.stop()

        await romeo.send(room, "last words")  # before the other one looks for the role
        await ghost.room_call("POST", room, "leave", {})
        await romeo.send(room, "not heard")
        back = await romeo.create_room(invite=[ghost.user_id])
        await irc.until(lambda: any(e["room_id"] == back for e in irc.events))

        assert irc.texts == ["heard", "last words"]
        ends = [e["content"] for e in irc.events if e.get("state_key") == ghost.user_id]
        assert [each["membership"] for each in ends] == ["invite", "join", "leave", "invite"]


async def test_typing_on_a_worker_that_tells_nobody_reaches_the_service(tmp_path: Path) -> None:
    nosy = Bridge("nosy", tmp_path, {"receive_ephemeral": True})
    await nosy.start()
    async with bridged_pair(tmp_path, nosy) as (_, other):
        romeo, ghost = await other.person("romeo"), await other.ghost(nosy, "_irc_mercutio")
        room = await romeo.create_room(invite=[ghost.user_id])
        await ghost.call("POST", f"/join/{room}", {})
        await nosy.until(lambda: len(nosy.events) >= 2)
        body: dict[str, Any] = {"typing": True, "timeout": 20_000}
        await romeo.call("PUT", f"/rooms/{room}/typing/{romeo.user_id}", body)
        await nosy.until(lambda: nosy.ephemeral)
        assert nosy.ephemeral[0]["content"] == {"user_ids": [romeo.user_id]}
    await nosy.stop()


async def test_a_device_that_one_worker_removes_is_unknown_to_the_other(
    tmp_path: Path, irc: Bridge
) -> None:
    async with bridged_pair(tmp_path, irc) as (one, other):
        ghost = await one.ghost(irc, "_irc_mercutio")
        session = {"type": "m.login.application_service", "device_id": "PHONE"}
        identifier = {"type": "m.id.user", "user": ghost.user_id}
        await ghost.call("POST", "/login", {**session, "identifier": identifier})
        there = irc.ghost(other.base, ghost.user_id)
        there.as_device = "PHONE"
        other.devices.append(there)
        assert (await there.call("GET", "/account/whoami"))["device_id"] == "PHONE"

        await ghost.call("DELETE", "/devices/PHONE")
        assert await other.core.hub.reach(one.core.hub.ticks.vector, 5)

        gone = await refused(there.call("GET", "/account/whoami"))
        assert gone == (400, "M_UNKNOWN_DEVICE")


async def test_writes_of_services_to_a_crowded_room_are_forwarded_too(
    tmp_path: Path, irc: Bridge
) -> None:
    async with bridged_pair(tmp_path, irc) as pair:
        ghost = await pair[0].ghost(irc, "_irc_mercutio")
        room = await ghost.create_room()
        by_name = {worker.delivery.worker: worker for worker in pair}
        preferred = by_name.pop(preferred_worker(room, by_name))
        (other,) = by_name.values()
        assert other.core.writer.on_clash is not None
        other.core.writer.on_clash(await other.core.rooms.get(room))
        ghost.base, slot = other.base, preferred.core.writer.lease.slot
        async with asyncio.timeout(20):  # the first ones are done here, with a greeting
            while await slot_of_head(other, room) != slot:
                await ghost.send(room, "whoever writes this")


async def slot_of_head(worker: Bridged, room_id: str) -> int:
    """The slot that wrote to a room last."""
    room = await worker.core.rooms.get(room_id)
    await worker.core.rooms.renew(room)
    return room.head.slot
