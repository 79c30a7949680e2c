"""A bridge made with mautrix: on one process through a restart, and on three workers of which
the one that tells it is killed."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING, Any

import aiohttp
import pymysql
import pytest

from tests.support.bridge import Bridge
from tests.support.client import Device, MatrixRefusal
from tests.support.databases import address_of
from tests.support.mautrix_bridge import LONG_AGO, MautrixBridge
from tests.support.server import running_firn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.support.whole_cluster import WholeCluster

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:mautrix"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:aiohttp"),
    pytest.mark.filterwarnings("ignore:.*NotAppKeyWarning.*"),
]
BEFORE = [f"before {number}" for number in range(5)]
MEANWHILE = [f"meanwhile {number}" for number in range(10)]
AFTER = [f"after {number}" for number in range(5)]


async def play(
    bridge: MautrixBridge, romeo: Device, calamity: Callable[[], Awaitable[None]]
) -> None:
    """Romeo invites the bot and talks; something happens meanwhile; each word is heard once."""
    room = await romeo.create_room(preset="private_chat")
    await romeo.room_call("POST", room, "invite", {"user_id": bridge.service.bot_mxid})
    await joined(romeo, room, bridge.ghost_id)
    await say(romeo, room, BEFORE)
    await bridge.until(lambda: (bridge.ghost_id, f"echo {BEFORE[-1]}") in bridge.heard, 60)

    await bridge.add_device("BOT")
    await asyncio.gather(
        calamity(), persist(romeo, room, MEANWHILE), whisper(romeo, bridge, range(10))
    )
    await say(romeo, room, AFTER)
    await whisper(romeo, bridge, range(10, 12))
    await bridge.until(lambda: (bridge.ghost_id, f"echo {AFTER[-1]}") in bridge.heard, 90)
    await bridge.until(lambda: len(bridge.told) >= 12, 60)
    assert [message.content["n"] for message in bridge.told] == list(range(12))
    assert {message.to_user_id for message in bridge.told} == {bridge.service.bot_mxid}
    await replied(romeo, 12)

    said = [*BEFORE, *MEANWHILE, *AFTER]
    assert [text for who, text in bridge.heard if who == romeo.user_id] == said
    echoed = [text for who, text in bridge.heard if who == bridge.ghost_id]
    assert echoed == [f"echo {text}" for text in said]
    page = await romeo.room_call("GET", room, "messages", dir="b", limit=100)
    echoes = [e for e in reversed(page["chunk"]) if e["sender"] == bridge.ghost_id]
    texts = [e for e in echoes if e["type"] == "m.room.message"]
    assert [e["content"]["body"] for e in texts] == echoed
    assert {e["origin_server_ts"] for e in texts} == {LONG_AGO}


async def joined(romeo: Device, room: str, user_id: str) -> None:
    """Wait until somebody is in a room."""
    async with asyncio.timeout(60):
        while not is_joined(romeo, room, user_id):
            await romeo.sync(timeout_ms=10_000)


def is_joined(romeo: Device, room: str, user_id: str) -> bool:
    """Whether romeo knows that somebody is in a room."""
    seen = romeo.rooms.get(room)
    member = seen.state.get(("m.room.member", user_id)) if seen is not None else None
    return member is not None and member["content"]["membership"] == "join"


async def say(romeo: Device, room: str, texts: list[str]) -> None:
    """Send, one after another."""
    for text in texts:
        await romeo.send(room, text, txn=text.replace(" ", "-"))


async def persist(romeo: Device, room: str, texts: list[str]) -> None:
    """Send as a client does whose server may be gone: again, with the same transaction id."""
    for text in texts:
        async with asyncio.timeout(60):
            while True:
                try:
                    await say(romeo, room, [text])
                    break
                except (MatrixRefusal, aiohttp.ClientError):
                    await asyncio.sleep(0.1)


async def whisper(romeo: Device, bridge: MautrixBridge, numbers: range) -> None:
    """Send messages to the bot's device, again until the server has them."""
    for number in numbers:
        content = {"n": number, "reply_to": romeo.device_id}
        body = {"messages": {bridge.service.bot_mxid: {"BOT": content}}}
        async with asyncio.timeout(60):
            while True:
                try:
                    await romeo.call("PUT", f"/sendToDevice/test.whisper/{number}", body)
                    break
                except (MatrixRefusal, aiohttp.ClientError):
                    await asyncio.sleep(0.1)


async def replied(romeo: Device, count: int) -> None:
    """Wait for the bot's replies to romeo's device: one to each message, in order."""
    replies: list[dict[str, Any]] = []
    async with asyncio.timeout(30):
        while len(replies) < count:
            found = await romeo.sync(timeout_ms=10_000)
            replies += list(found.get("to_device", {}).get("events", []))
    assert [each["content"] for each in replies] == [
        {"heard": number, "device": "BOT"} for number in range(count)
    ]


async def test_I13_a_bridge_hears_and_speaks_through_a_restart_and_no_token_is_logged(
    tmp_path: Path, store_url: str
) -> None:
    described = Bridge("irc", tmp_path, {"receive_ephemeral": True})
    settings = {"FIRN__APPSERVICES": described.file, "FIRN__LOG__LEVEL": "debug"}
    async with running_firn(tmp_path, store_url, **settings) as firn, Device(firn.base) as romeo:
        bridge = MautrixBridge(described, firn.base, "firn.test")
        await bridge.start()
        try:
            await romeo.register("romeo")
            await play(bridge, romeo, firn.restart)
            assert await bridge.service.ping_self("meow") >= 0
        finally:
            await bridge.stop()
    log = firn.log_file.read_text()
    assert "server.ready" in log
    assert described.as_token not in log
    assert described.hs_token not in log


@pytest.mark.rocketmq
async def test_a_bridge_goes_on_when_the_worker_that_tells_it_is_killed(
    cluster: WholeCluster,
) -> None:
    bridge = MautrixBridge(cluster.bridge, cluster.gateway, "firn.test")
    await bridge.start()

    async def calamity() -> None:
        worker = cluster.names.index(teller(cluster.database_url))
        pid = cluster.kill(worker)
        await cluster.replaced(worker, pid)

    try:
        async with Device(cluster.gateway) as romeo:
            await romeo.register("romeo-bridged")
            await play(bridge, romeo, calamity)
    finally:
        await bridge.stop()


def teller(database_url: str) -> str:
    """The name of the worker that tells the services."""
    name = database_url.rpartition("/")[2].partition("?")[0]
    query = (
        "SELECT s.worker FROM role r JOIN writer_slot s ON s.holder = r.holder "
        "WHERE r.name = 'appservice'"
    )
    address = address_of(database_url)
    with closing(pymysql.connect(**address, database=name)) as db, db.cursor() as cursor:
        cursor.execute(query)
        ((worker,),) = cursor.fetchall()
    return str(worker.decode())
