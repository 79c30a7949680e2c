"""Messages to devices through the client, against a whole Firn that is killed meanwhile."""

from __future__ import annotations

import asyncio
import random
import signal
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from firn_client import Client, Event, FileStore, ForbiddenError, NotFoundError, Transport
from firn_client.store import SyncStore
from firn_client.sync_body import Events, SyncBody
from tests.support.command import run_firn
from tests.support.server import running_firn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.server import FirnProcess

PASSWORD = "a long enough word"
KIND = "org.firn.test"
COUNT = 60


@pytest_asyncio.fixture
async def firn(tmp_path: Path) -> AsyncIterator[FirnProcess]:
    """A server that a test may kill."""
    async with running_firn(tmp_path) as process:
        yield process


@pytest_asyncio.fixture
async def root(firn: FirnProcess) -> str:
    """An administrator of that server."""
    await firn.stop()
    ran = await run_firn(firn, "user", "add", "root", "--admin", text=f"{PASSWORD}\n")
    assert ran.code == 0, ran.err
    await firn.start()
    return "root"


async def number_of(client: Client, numbers: int) -> list[int]:
    """The numbers of so many messages."""
    got: list[int] = []
    async with asyncio.timeout(40), aclosing(client.to_device_events()) as events:
        async for event in events:
            assert event.type == KIND
            got.append(event.content["n"])
            if len(got) == numbers:
                return got
    raise AssertionError(got)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("transport", [Transport.STREAM, Transport.POLL])
async def test_F1_I9_each_message_comes_once_while_the_server_is_killed(
    firn: FirnProcess, transport: Transport
) -> None:
    dice = random.Random(3)
    async with Client(firn.base) as romeo, Client(firn.base, transport=transport) as juliet:
        await romeo.register("romeo", PASSWORD)
        await juliet.register("juliet", PASSWORD)
        reading = asyncio.create_task(number_of(juliet, COUNT))

        async def say() -> None:
            for number in range(COUNT):
                to = {juliet.user_id: {juliet.session.device_id: {"n": number}}}
                await romeo.send_to_device(KIND, to)

        saying = asyncio.create_task(say())
        for _ in range(2):
            await asyncio.sleep(0.1 + dice.random() * 0.3)
            await firn.restart(signal.SIGKILL)
        await saying
        assert await reading == list(range(COUNT))


async def test_a_process_goes_on_with_what_it_had_not_read(
    firn: FirnProcess, tmp_path: Path
) -> None:
    async with Client(firn.base) as romeo:
        await romeo.register("romeo", PASSWORD)
        file = FileStore(tmp_path / "session")
        async with Client(firn.base, store=file) as juliet:
            await juliet.register("juliet", PASSWORD)
            await romeo.send_to_device(KIND, {juliet.user_id: {"*": {"n": 1}}})
            assert await number_of(juliet, 1) == [1]  # its batch is not read to the end
        handled: list[Event] = []
        done = asyncio.Event()

        async def handle(event: Event) -> None:
            handled.append(event)
            if len(handled) == 2:
                done.set()

        async def read(client: Client) -> None:
            async with aclosing(client.events()) as events:
                async for event in events:
                    assert event.type != KIND

        async with Client(firn.base, store=file) as juliet:
            juliet.on_to_device(handle)
            reading = asyncio.create_task(read(juliet))
            await romeo.send_to_device(KIND, {juliet.user_id: {"*": {"n": 2}}})
            async with asyncio.timeout(20):
                await done.wait()
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        assert [event.content["n"] for event in handled] == [1, 2]
        assert all(event.sender == romeo.user_id for event in handled)


async def test_an_answer_is_sent_once_by_whoever_gives_it_again(firn: FirnProcess) -> None:
    async with Client(firn.base) as romeo, Client(firn.base) as juliet:
        await romeo.register("romeo", PASSWORD)
        await juliet.register("juliet", PASSWORD)
        await romeo.send_to_device(KIND, {juliet.user_id: {"*": {"n": 1}}})
        for _ in range(2):  # left in the middle, the batch comes again
            async with asyncio.timeout(20), aclosing(juliet.to_device_events()) as events:
                async for event in events:
                    to = {event.sender: {"*": {"n": 2}}}
                    await juliet.send_to_device(KIND, to, answering=event)
                    break
        await juliet.send_to_device(KIND, {romeo.user_id: {"*": {"n": 3}}})
        assert await number_of(romeo, 2) == [2, 3]


@pytest.mark.timeout(120)
async def test_a_platform_reaches_chosen_terminals(firn: FirnProcess, root: str) -> None:
    async with Client(firn.base) as platform, Client(firn.base) as phone, Client(firn.base) as desk:
        await platform.login(root, PASSWORD)
        await phone.register("juliet", PASSWORD)
        await desk.login("juliet", PASSWORD)
        send = platform.admin.send_to_terminals
        ringing = asyncio.create_task(number_of(phone, 2))
        async with asyncio.timeout(20):
            while await send(phone.user_id, KIND, {"n": 0}, devices="online") == {}:
                await asyncio.sleep(0.05)
        only = [phone.session.device_id]
        fates = await send(phone.user_id, KIND, {"n": 1}, devices=only)
        assert fates == {phone.session.device_id: "online"}
        assert await ringing == [0, 1]
        first = await send(phone.user_id, KIND, {"n": 2}, txn="call-7")
        assert await send(phone.user_id, KIND, {"n": 2}, txn="call-7") == first
        assert first[desk.session.device_id] == "stored"
        assert await number_of(desk, 1) == [2]
        with pytest.raises(NotFoundError):
            await send("@nobody:elsewhere.example", KIND, {})
        with pytest.raises(ForbiddenError):
            await phone.admin.send_to_terminals(phone.user_id, KIND, {})


def test_a_message_has_the_same_id_when_its_batch_comes_again() -> None:
    store = SyncStore("@me:x", "7")
    events = [Event(type=KIND, content={"n": n}) for n in range(3)]
    first = store.apply(SyncBody("8", to_device=Events(events[:2])))
    again = store.apply(SyncBody("9", to_device=Events(events)))
    ids = [event.event_id for event in again.to_device]
    assert [event.event_id for event in first.to_device] == ids[:2]
    assert len(set(ids)) == 3
    store.commit(again)
    later = store.apply(SyncBody("10", to_device=Events(events)))
    assert not set(ids) & {event.event_id for event in later.to_device}
