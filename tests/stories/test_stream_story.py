"""Two devices over sockets: messages, typing and receipts both ways, through a restart."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.client import Device
from tests.support.server import running_firn
from tests.support.streaming import Closed, Socket, streaming

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.server import FirnProcess


@pytest.fixture
async def firn(tmp_path: Path, store_url: str) -> AsyncIterator[FirnProcess]:
    async with running_firn(tmp_path, store_url) as process:
        yield process


async def chat(one: Socket, other: Socket, room: str, words: list[str]) -> None:
    """One says words, the other types and reads; both see all of it."""
    reader, writer = other.device, one.device
    assert (await other.ask(type="typing", room_id=room, typing=True))["status"] == 200
    await one.until(lambda: writer.rooms[room].typing == [reader.user_id])
    for text in words:
        event_id = await one.say(room, text)
    await other.until(lambda: reader.rooms[room].bodies[-1:] == words[-1:])
    await one.until(lambda: writer.rooms[room].bodies[-1:] == words[-1:])
    answer = await other.ask(type="receipt", room_id=room, receipt_type="m.read", event_id=event_id)
    assert answer["status"] == 200
    await other.ask(type="typing", room_id=room, typing=False)
    key = (reader.user_id, "m.read", "")
    await one.until(lambda: writer.rooms[room].receipts.get(key) == event_id)
    await one.until(lambda: writer.rooms[room].typing == [])


async def last_code(socket: Socket) -> int | None:
    """Take in what still comes; how the socket ends."""
    try:
        while True:
            await socket.sync(ack=False)
    except Closed as closed:
        return closed.code


async def restarted(firn: FirnProcess, *sockets: Socket) -> None:
    """The server stops and comes back; each socket hears of it."""
    _, *codes = await asyncio.gather(firn.stop(), *map(last_code, sockets))
    assert codes == [1001] * len(sockets)
    await firn.start()


async def test_two_devices_talk_over_sockets_through_a_restart(firn: FirnProcess) -> None:
    async with Device(firn.base) as romeo, Device(firn.base) as juliet:
        await romeo.register("romeo")
        await juliet.register("juliet")
        room = await romeo.create_room(preset="public_chat")
        await juliet.room_call("POST", room, "join", {})
        async with streaming(romeo) as his, streaming(juliet, browser=True) as hers:
            await his.sync()
            await hers.sync()
            await chat(his, hers, room, ["hark", "what light? 🌒"])
            await chat(hers, his, room, ["o Romeo"])
            await restarted(firn, his, hers)
        await romeo.send(room, "over HTTP meanwhile")
        async with streaming(romeo) as his, streaming(juliet, browser=True) as hers:
            await his.until(lambda: romeo.rooms[room].bodies[-1] == "over HTTP meanwhile")
            await hers.until(lambda: juliet.rooms[room].bodies[-1] == "over HTTP meanwhile")
            await chat(hers, his, room, ["good night", "😴"])
    said = ["hark", "what light? 🌒", "o Romeo", "over HTTP meanwhile", "good night", "😴"]
    for device in (romeo, juliet):
        assert device.rooms[room].bodies == said
        ids = [event["event_id"] for event in device.rooms[room].timeline]
        assert len(set(ids)) == len(ids)


def password(device: Device) -> dict[str, Any]:
    """What confirms an account's owner."""
    user = {"type": "m.id.user", "user": device.user_id}
    return {"type": "m.login.password", "identifier": user, "password": "correct horse"}


async def ends(socket: Socket, errcode: str = "M_UNKNOWN_TOKEN") -> Closed:
    """The socket is closed because of its session."""
    closed = await socket.closed()
    assert (closed.code, closed.errcode) == (4001, errcode)
    return closed


async def test_D5_whatever_ends_a_session_closes_its_socket(firn: FirnProcess) -> None:
    async with Device(firn.base) as first, Device(firn.base) as second:
        await first.register("nurse")
        await second.login("nurse")
        async with streaming(first) as stays:
            await stays.ask(type="ping")
            async with streaming(second) as socket:
                await socket.ask(type="ping")
                await second.call("POST", "/logout", {})
                await ends(socket)
            await second.login("nurse")
            async with streaming(second) as socket:
                await socket.ask(type="ping")
                path = f"/devices/{second.device_id}"
                await first.call("DELETE", path, {"auth": password(first)})
                await ends(socket)
            await second.login("nurse")
            async with streaming(second) as socket:
                await socket.ask(type="ping")
                body = {"new_password": "correct horse", "auth": password(first)}
                await first.call("POST", "/account/password", body)
                await ends(socket)
            assert (await stays.ask(type="ping"))["type"] == "pong"
            await first.call("POST", "/account/deactivate", {"auth": password(first)})
            await ends(stays)


async def test_D5_the_first_use_of_refreshed_tokens_closes_the_old_ones_socket(
    firn: FirnProcess,
) -> None:
    async with Device(firn.base) as device, Device(firn.base) as renewed:
        await device.register("friar")
        body = {"type": "m.login.password", "refresh_token": True, **password(device)}
        login = await device.call("POST", "/login", body)
        device.token = login["access_token"]
        async with streaming(device) as socket:
            await socket.ask(type="ping")
            answer = await device.call(
                "POST", "/refresh", {"refresh_token": login["refresh_token"]}
            )
            assert (await socket.ask(type="ping"))["type"] == "pong"
            renewed.token = answer["access_token"]
            await renewed.call("GET", "/account/whoami")
            assert (await ends(socket)).error["soft_logout"] is True
        async with streaming(renewed) as socket:
            assert (await socket.ask(type="ping"))["type"] == "pong"
