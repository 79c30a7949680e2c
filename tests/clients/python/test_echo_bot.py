"""The README's bot while its server, and then it itself, is killed: each message echoed once."""

from __future__ import annotations

import asyncio
import random
import signal
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import pytest

from tests.clients.python.echo_bot import PAGES, EchoBot, lines_of
from tests.support.client import Device
from tests.support.server import running_firn

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.server import FirnProcess

PASSWORD = "parrot on a stick"
LINES = 10


def test_the_bot_has_ten_lines_and_they_are_the_same_everywhere() -> None:
    shown = [lines_of(page) for page in PAGES]
    assert len(set(shown)) == 1
    assert len([line for line in shown[0].splitlines() if line]) <= LINES


@pytest.mark.timeout(120)
@pytest.mark.parametrize("transport", ["websocket", "longpoll"])
async def test_F1_every_message_is_echoed_once_while_the_server_is_killed(
    tmp_path: Path, transport: str
) -> None:
    dice = random.Random(4)
    async with running_firn(tmp_path) as firn, Talker(firn, tmp_path) as talker:
        talker.bot.transport = transport
        await talker.meet()
        for _ in range(3):
            talking = asyncio.create_task(talker.say(40))
            await asyncio.sleep(0.05 + dice.random() * 0.4)
            await firn.restart(signal.SIGKILL)
            await asyncio.wait_for(talking, 30)
        await talker.check_echoes()
        assert talker.bot.output == ""


@pytest.mark.timeout(120)
async def test_every_message_is_echoed_once_while_the_bot_is_killed(
    tmp_path: Path, store_url: str
) -> None:
    dice = random.Random(5)
    async with running_firn(tmp_path, store_url) as firn, Talker(firn, tmp_path) as talker:
        await talker.meet()
        for _ in range(2):
            talking = asyncio.create_task(talker.say(100))
            await asyncio.sleep(0.1 + dice.random() * 0.5)
            await talker.bot.kill()
            await asyncio.wait_for(talking, 30)  # more than one sync's timeline: a hole to fill
            await talker.bot.start()
        await talker.check_echoes()
        assert talker.bot.output == ""


class Talker:
    """Somebody who talks to the bot, and tries again what failed."""

    def __init__(self, firn: FirnProcess, folder: Path) -> None:
        self.firn = firn
        self.device = Device(firn.base)
        self.bot = EchoBot(folder, firn.base, "echo", PASSWORD)
        self.room = ""
        self.said: list[str] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.device.__aexit__(None, None, None)
        if self.bot.process is not None and self.bot.process.returncode is None:
            await self.bot.kill()

    async def meet(self) -> None:
        """Start the bot and wait until it has come to our room."""
        async with Device(self.firn.base) as first:
            await first.register("echo", PASSWORD)
        await self.device.register("talker", "words words words")
        await self.bot.start()
        self.room = await self.device.create_room(invite=["@echo:firn.test"])
        await self.device.send(self.room, "before the bot came", txn="before")
        async with asyncio.timeout(20):
            while len(await self._joined()) < 2:
                await asyncio.sleep(0.05)

    async def _joined(self) -> dict[str, Any]:
        found = await self.device.room_call("GET", self.room, "joined_members")
        return dict(found["joined"])

    async def say(self, count: int) -> None:
        """Say so many things, each until it is acknowledged."""
        for _ in range(count):
            text = f"word {len(self.said)}"
            self.said.append(text)
            while True:
                try:
                    await self.device.send(self.room, text, txn=text.replace(" ", "-"))
                    break
                except (aiohttp.ClientError, TimeoutError):
                    await asyncio.sleep(0.05)

    async def check_echoes(self) -> None:
        """Everything that was said was echoed once, in order, and nothing else."""
        async with asyncio.timeout(40):
            while len(echoes := await self._echoes()) < len(self.said):
                await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)
        echoes = await self._echoes()
        assert echoes == self.said

    async def _echoes(self) -> list[str]:
        found: list[str] = []
        query: dict[str, Any] = {"dir": "f", "limit": 500}
        while True:
            page = await self.device.room_call("GET", self.room, "messages", **query)
            messages = (e for e in page["chunk"] if e["type"] == "m.room.message")
            found += [e["content"]["body"] for e in messages if e["sender"] == "@echo:firn.test"]
            if not page.get("end") or not page["chunk"]:
                return found
            query["from"] = page["end"]
