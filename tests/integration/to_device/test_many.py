"""A message for ten thousand devices, and everybody else meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from homeserver.application.ports.device_store import Device
from homeserver.application.to_device.post import TOGETHER, PostMessages
from homeserver.domain.to_device.message import Message
from homeserver.infrastructure.sql.devices import SqlDeviceStore
from homeserver.infrastructure.sql.to_device_store import SqlToDeviceStore
from homeserver.infrastructure.sql.users import SqlUserStore
from tests.support.messages import numbers, send
from tests.support.syncing import now

if TYPE_CHECKING:
    from homeserver.application.writing.draft import Draft
    from tests.support.syncing import Phone, SyncTown

MANY = 10_000


async def crowd(town: SyncTown, size: int) -> list[str]:
    """Users with a device each."""
    database, writer = town.core.database, town.core.writer
    users, devices = SqlUserStore(database), SqlDeviceStore(database)
    names = [f"@u{number}:{town.store.server_name}" for number in range(size)]

    def change(draft: Draft) -> None:
        for number, name in enumerate(names):
            users.add(draft, 500_000 + number, name)
            devices.add(draft, Device(900_000 + number, 500_000 + number, "D"))

    await writer.submit(change)
    return names


async def test_ten_thousand_recipients_do_not_stall_other_writers(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    room = await romeo.create_room()
    messages = {name: {"D": {"n": 1}} for name in await crowd(town, MANY)}
    messages[juliet.user_id] = {"*": {"n": 7}}
    sending = asyncio.create_task(send(romeo, messages, "many"))
    waits = []
    while not sending.done():
        began = now()
        await romeo.send(room, "meanwhile")
        waits.append(now() - began)
    await sending
    assert len(await town.store.dump("to_device")) == MANY + 1
    # others wait for one part, not for the whole
    assert len(waits) > MANY / TOGETHER / 8
    assert numbers(await juliet.get()) == [7]
    await send(romeo, messages, "many")
    assert len(await town.store.dump("to_device")) == MANY + 1


async def test_what_was_broken_off_is_completed_by_its_repetition(town: SyncTown) -> None:
    store = SqlToDeviceStore(town.core.database)
    messages = [Message(name, "D", b"{}") for name in await crowd(town, 950)]
    key = b"k" * 16
    sending = asyncio.create_task(PostMessages(store, store, town.core.writer)(1, key, messages))
    while not await town.store.dump("to_device"):
        await asyncio.sleep(0)
    sending.cancel()  # as a worker that is killed does
    await asyncio.gather(sending, return_exceptions=True)
    await town.restart()
    assert len(await town.store.dump("to_device")) < 950
    store = SqlToDeviceStore(town.core.database)
    again = PostMessages(store, store, town.core.writer)
    for _ in range(2):
        await again(1, key, messages)
        rows = await town.store.dump("to_device")
        assert len(rows) == 950
        assert {row[2] for row in rows} == {1}  # nobody got it twice


@pytest.mark.timeout(120)
async def test_two_large_requests_take_turns(town: SyncTown, romeo: Phone, juliet: Phone) -> None:
    names = await crowd(town, 400)
    both = [
        send(phone, {name: {"*": {"n": 1}} for name in names}, "many") for phone in (romeo, juliet)
    ]
    await asyncio.gather(*both)
    assert sorted(row[2] for row in await town.store.dump("to_device")) == [1] * 400 + [2] * 400
