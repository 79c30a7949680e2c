"""A server killed while a service takes messages to devices: none is lost, none comes anew."""

from __future__ import annotations

import asyncio
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from tests.support.bridge import Bridge, Ghost
from tests.support.client import Device, MatrixRefusal
from tests.support.server import running_firn

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 3
IN_A_ROUND = 20


async def send(sender: Device, ghost: Ghost, numbers: range) -> None:
    """Send numbered messages as a client does whose server may be gone: again, by transaction."""
    for number in numbers:
        messages = {ghost.user_id: {"PHONE": {"n": number}}}
        async with asyncio.timeout(60):
            while True:
                try:
                    path = f"/sendToDevice/m.room_key/{number}"
                    await sender.call("PUT", path, {"messages": messages})
                    break
                except (MatrixRefusal, aiohttp.ClientError):
                    await asyncio.sleep(0.05)


class Holding:
    """Holds the answer to the next transaction with messages: the service has taken it."""

    def __init__(self, bridge: Bridge) -> None:
        """Hold none yet."""
        self._bridge = bridge
        self._armed = False
        self.txn_id = ""
        self.taken = asyncio.Event()
        self.over = asyncio.Event()

    def arm(self) -> None:
        """Hold the next one."""
        self._armed = True
        self.taken.clear()
        self.over.clear()

    async def __call__(self) -> None:
        """See `Bridge.on_transaction`."""
        came = self._bridge.transactions[-1]
        if self._armed and "to_device" in came.body:
            self._armed = False
            self.txn_id = came.txn_id
            self.taken.set()
            await self.over.wait()


def numbers(bridge: Bridge) -> list[int]:
    """The numbers of the messages, each transaction once."""
    return [message["content"]["n"] for message in bridge.messages]


def bodies(bridge: Bridge, txn_id: str) -> list[dict[str, Any]]:
    """What came under one transaction id."""
    return [each.body for each in bridge.transactions if each.txn_id == txn_id]


def heard(bridge: Bridge, last: int, txn_id: str) -> bool:
    """Whether the last message came, and the transaction that was held came again."""
    return last in numbers(bridge) and len(bodies(bridge, txn_id)) >= 2


@pytest.mark.timeout(180)
async def test_each_message_is_in_one_transaction_whenever_the_server_is_killed(
    tmp_path: Path, store_url: str
) -> None:
    irc = Bridge("irc", tmp_path, {"receive_ephemeral": True})
    irc.on_transaction = holding = Holding(irc)
    await irc.start()
    settings = {"FIRN__APPSERVICES": irc.file}
    async with (
        running_firn(tmp_path, store_url, **settings) as firn,
        Device(firn.base) as romeo,
        irc.ghost(firn.base) as ghost,
    ):
        await romeo.register("romeo")
        await ghost.arrive("_irc_mercutio")
        acting = {"user_id": ghost.user_id}
        assert (await ghost.raw("PUT", "/devices/PHONE", {}, acting))[0] == 201
        for number in range(KILLS):
            first = number * IN_A_ROUND
            holding.arm()
            sending = asyncio.create_task(send(romeo, ghost, range(first, first + IN_A_ROUND)))
            await asyncio.wait_for(holding.taken.wait(), 30)
            await firn.stop(signal.SIGKILL)  # it never hears that the service took them
            holding.over.set()
            await firn.start()
            await sending
            ended = partial(heard, irc, first + IN_A_ROUND - 1, holding.txn_id)
            await irc.until(ended, 60)
            same = bodies(irc, holding.txn_id)
            assert all(body == same[0] for body in same)

        assert numbers(irc) == list(range(KILLS * IN_A_ROUND))
        last = KILLS * IN_A_ROUND
        await send(romeo, ghost, range(last, last + 1))
        await irc.until(lambda: last in numbers(irc))
        ghost.as_device = "PHONE"  # of its inbox only the end can be there still
        waiting = (await ghost.sync()).get("to_device", {"events": []})["events"]
        assert [message["content"]["n"] for message in waiting] in ([], [last])
    await irc.stop()
