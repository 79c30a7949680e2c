"""What is taken from a user on one worker is taken on all, within a second of the answer."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from homeserver.application.accounts import authenticate
from homeserver.infrastructure.sql.mysql_database import MySqlDatabase
from tests.support.client import Device, MatrixRefusal
from tests.support.databases import address_of
from tests.support.offices import Offices, open_offices
from tests.support.redis import eventually
from tests.support.streaming import streaming
from tests.support.tcp_proxy import open_proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

BOUND = 1.0
"""Seconds after the answer."""
SLACK = 0.5
"""Seconds that a busy machine may need to ask."""
PASSWORD = "correct horse"
WAYS = ("all is well", "no bus, no routes", "the tail is late")


@pytest_asyncio.fixture
async def offices(tmp_path: Path) -> AsyncIterator[Offices]:
    """Workers a and b."""
    async with open_offices(tmp_path, "a", "b") as opened:
        yield opened


async def _spoil(offices: Offices, way: str) -> None:
    """Take from worker b what brings news."""
    if way == "no bus, no routes":
        offices.post.lose, offices.post.blind = 1.0, True
    elif way == "the tail is late":
        await offices.workers[1].stall_tail()


async def _status(device: Device) -> tuple[int, Any]:
    try:
        return 200, await device.call("GET", "/account/whoami")
    except MatrixRefusal as refusal:
        return refusal.status, refusal.body


async def _by_password(device: Device, path: str, body: dict[str, Any]) -> None:
    """A call that asks for the password."""
    with pytest.raises(MatrixRefusal) as asked:
        await device.call("POST", path, body)
    auth = {
        "type": "m.login.password",
        "password": PASSWORD,
        "session": asked.value.body["session"],
        "identifier": {"type": "m.id.user", "user": device.user_id},
    }
    await device.call("POST", path, {**body, "auth": auth})


async def _log_out(_: Offices, victim: Device, __: Device) -> None:
    await victim.call("POST", "/logout", {})


async def _log_out_all(_: Offices, __: Device, other: Device) -> None:
    await other.call("POST", "/logout/all", {})


async def _delete(_: Offices, victim: Device, other: Device) -> None:
    await _by_password(other, "/delete_devices", {"devices": [victim.device_id]})


async def _change_password(_: Offices, __: Device, other: Device) -> None:
    await _by_password(other, "/account/password", {"new_password": "another horse"})


async def _deactivate(_: Offices, __: Device, other: Device) -> None:
    await _by_password(other, "/account/deactivate", {})


async def _lock(offices: Offices, victim: Device, _: Device) -> None:
    await offices.workers[0].api.accounts.lock_account(victim.user_id, locked=True)


ENDS = [_log_out, _log_out_all, _delete, _change_password, _deactivate, _lock]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("end", ENDS)
async def test_a_session_that_ends_ends_on_every_worker(
    offices: Offices, end: Callable[[Offices, Device, Device], Awaitable[None]], way: str
) -> None:
    victim = await offices.device("juliet")
    other = await offices.device("juliet", register=False)
    there = await offices.stack.enter_async_context(Device(offices.workers[1].base))
    there.user_id, there.token = victim.user_id, victim.token
    assert (await _status(there))[0] == 200
    async with streaming(there) as socket:
        await socket.sync()
        await _spoil(offices, way)
        await end(offices, victim, other)
        answered = time.monotonic()
        while (found := await _status(there))[0] == 200:
            assert time.monotonic() - answered < BOUND + SLACK
            await asyncio.sleep(0.02)
        assert found[0] == 401
        if way != "the tail is late":
            closed = await socket.closed()
            assert time.monotonic() - answered < BOUND + SLACK
            assert (closed.code, closed.errcode) == (4001, found[1]["errcode"])


@pytest.mark.parametrize("over", ["socket", "long-poll"])
async def test_I8_who_waits_while_the_session_ends_hears_nothing_more(
    offices: Offices, over: str
) -> None:
    """Also where the worker learns of the end and of a message at the same time."""
    romeo, victim = await offices.device("romeo"), await offices.device("juliet")
    room = await romeo.create_room(preset="public_chat")
    await victim.room_call("POST", room, "join", {})
    there = await offices.stack.enter_async_context(Device(offices.workers[1].base))
    there.user_id, there.token = victim.user_id, victim.token
    await there.sync()
    tail = offices.workers[1].core.tail
    assert tail is not None
    async with streaming(there) as socket:
        poll = asyncio.create_task(there.sync(timeout_ms=5_000)) if over == "long-poll" else None
        await asyncio.sleep(0.1)
        await tail.stop()
        await victim.call("POST", "/logout", {})
        await romeo.send(room, "not for you")
        tail.start()
        if poll is None:
            closed = await socket.closed()
            assert (closed.code, closed.errcode) == (4001, "M_UNKNOWN_TOKEN")
        else:
            with pytest.raises(MatrixRefusal) as refusal:
                await poll
            assert refusal.value.status == 401
    assert "not for you" not in there.rooms[room].bodies


READS = ("messages?dir=b&limit=50", "joined_members", "state", "members")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", ["kick", "ban"])
async def test_I8_who_is_put_out_hears_and_says_no_more_on_any_worker(
    offices: Offices, how: str, way: str
) -> None:
    romeo = await offices.device("romeo")
    juliet, nurse = await offices.device("juliet", 1), await offices.device("nurse", 1)
    room = await romeo.create_room(preset="private_chat", invite=[juliet.user_id, nurse.user_id])
    for guest in (juliet, nurse):
        await eventually_joined(guest, room)
    before = await romeo.send(room, "before")
    await juliet.sync()
    await nurse.sync()
    async with streaming(juliet) as socket:
        reader = asyncio.create_task(_read_all(socket))
        await _spoil(offices, way)
        await romeo.room_call("POST", room, how, {"user_id": juliet.user_id})
        await romeo.send(room, "after, by a")
        await nurse.send(room, "after, by b")
        for rest, body in (("send/m.room.message/t1", {"body": "still here"}), ("typing/", None)):
            path = rest + quote(juliet.user_id) if body is None else rest
            with pytest.raises(MatrixRefusal) as refusal:
                await juliet.room_call("PUT", room, path, body or {"typing": True})
            assert refusal.value.status == 403
        with pytest.raises(MatrixRefusal) as refusal:
            await juliet.room_call("POST", room, f"receipt/m.read/{quote(before)}", {})
        assert refusal.value.status == 403
        for rest in READS:
            with suppress(MatrixRefusal):
                path = f"/rooms/{quote(room)}/{rest}"
                assert "after, by" not in str(await juliet.call("GET", path))
        await juliet.sync(timeout_ms=300)
        fresh = await offices.device("juliet", 1, register=False)
        await fresh.sync()
        if way != "the tail is late":
            await eventually(lambda: room in juliet.left, BOUND + SLACK)
        reader.cancel()
    for device in (juliet, fresh):
        seen = [*device.rooms.values(), *device.left.values()]
        assert not [text for part in seen for text in part.bodies if text.startswith("after")]


async def eventually_joined(guest: Device, room: str) -> None:
    """Join, as soon as the invitation is known here."""

    async def joined() -> bool:
        try:
            await guest.room_call("POST", room, "join", {})
        except MatrixRefusal:
            return False
        return True

    await eventually(joined, 2.0)


async def _read_all(socket: Any) -> None:
    while True:
        await socket.sync()


@pytest.mark.parametrize("how", ["cut", "silent"])
async def test_without_the_store_no_token_is_trusted_longer_than_its_lease(
    offices: Offices, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authenticate, "PATIENCE_SECONDS", 0.5)
    address = address_of(os.environ["FIRN_TEST_MYSQL_URL"])
    name = (await offices.store.another())._pool._address["db"]  # type: ignore[attr-defined]
    async with open_proxy(address["host"], address["port"]) as proxy:
        target = {**address, "host": "127.0.0.1", "port": proxy.port, "db": name}
        database = await MySqlDatabase.connect(**target)
        offices.stack.push_async_callback(database.close)
        await offices.open("c", database)
        victim = await offices.device("juliet")
        there = await offices.stack.enter_async_context(Device(offices.workers[2].base))
        there.token = victim.token
        await eventually(lambda: _answers(there, 200), 2.0)
        proxy.silent = how == "silent"
        proxy.down = how == "cut"
        if how == "cut":
            proxy.cut_all()
        await victim.call("POST", "/logout", {})
        await eventually(lambda: _answers(there, 503), BOUND + SLACK + 0.5)
        assert await _answers(there, 503)
        proxy.silent = proxy.down = False
        proxy.cut_all()
        await eventually(lambda: _answers(there, 401), 5.0)


async def _answers(device: Device, status: int) -> bool:
    return (await _status(device))[0] == status


async def test_a_lease_is_as_old_as_the_beginning_of_the_read(offices: Offices) -> None:
    """A slow read must not make what it did not see look fresh."""
    b = offices.workers[1]
    tail, ages = b.core.tail, list[float]()
    assert tail is not None
    tail.renewed.append(ages.append)
    filler, reading, gate = tail._filler, asyncio.Event(), asyncio.Event()

    async def slow(news: Any) -> None:
        reading.set()
        await gate.wait()
        await filler(news)

    tail._filler = slow  # type: ignore[assignment]
    victim = await offices.device("juliet")
    there = await offices.stack.enter_async_context(Device(b.base))
    there.token = victim.token
    await reading.wait()
    await asyncio.sleep(1.2)
    assert await _answers(there, 200)
    await victim.call("POST", "/logout", {})
    tail._filler = filler
    gate.set()
    await eventually(lambda: any(age > BOUND for age in ages), 10.0)
    assert await _answers(there, 401)
