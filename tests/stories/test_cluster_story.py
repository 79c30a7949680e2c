"""The story on three workers behind their gateway: each device on another one, over both
transports, while one of them is killed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from firn_client import Client
from tests.support.client import Device
from tests.support.invariants import messages
from tests.support.phones import NioPhone, SocketPhone
from tests.support.story import Cast, play
from tests.support.whole_cluster import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.phones import Phone
    from tests.support.whole_cluster import WholeCluster

pytestmark = [pytest.mark.rocketmq, pytest.mark.timeout(180)]


def calamity(cluster: WholeCluster, cast: Cast) -> Callable[[], Awaitable[None]]:
    """Kill the first worker, where romeo's first and juliet's second device are."""

    async def happen() -> None:
        pid = cluster.kill(0)
        await cast.romeo.move(cluster.workers[1])
        await cast.juliet2.move(cluster.workers[2])
        await cluster.replaced(0, pid)
        await cast.romeo2.move(cluster.workers[0])  # to one that has just begun

    return happen


@pytest.mark.parametrize(
    ("romeos", "juliets"),
    [(NioPhone, NioPhone), (SocketPhone, SocketPhone), (NioPhone, SocketPhone)],
    ids=["long-poll", "websocket", "both"],
)
async def test_each_device_on_another_worker_while_one_is_killed(
    cluster: WholeCluster, romeos: type[Any], juliets: type[Any], request: pytest.FixtureRequest
) -> None:
    suffix = request.node.callspec.id
    one, two, three = cluster.workers
    kinds: list[tuple[type[Any], str, str]] = [
        *((romeos, base, "romeo") for base in (one, two)),
        *((juliets, base, "juliet") for base in (three, one)),
    ]
    phones: list[Phone] = [kind(base, f"{name}-{suffix}") for kind, base, name in kinds]
    cast = Cast(*phones)
    try:
        await play(cast, calamity(cluster, cast))
    finally:
        await cast.leave()


async def test_a_bot_goes_on_through_another_worker_when_its_own_is_killed(
    cluster: WholeCluster,
) -> None:
    """The Python client on a socket, with two addresses."""
    async with Device(cluster.workers[2]) as nurse, Client(cluster.workers[:2]) as bot:
        await bot.register("peter", "correct horse")
        await nurse.register("nurse")
        room = await nurse.create_room(preset="public_chat")
        await (await bot.join(room)).send_text("anon")
        heard: list[str] = []

        async def listen() -> None:
            async for event in bot.events():
                if event.sender == nurse.user_id and event.text:
                    heard.append(event.text)
                    await bot.answer(event, f"heard {event.text}")
                if event.text == "farewell":
                    return

        listening = asyncio.create_task(listen())
        async with asyncio.timeout(PATIENCE_S):
            while not bot.session.since:  # before that, what is said is not news
                await asyncio.sleep(0.05)
        words = [f"word {number}" for number in range(20)]
        for word in words[:10]:
            await nurse.send(room, word)
        pid = cluster.kill(0)
        for word in (*words[10:], "farewell"):
            await nurse.send(room, word)
        await asyncio.wait_for(listening, PATIENCE_S)
        assert heard == [*words, "farewell"]
        answers: list[str] = []
        async with asyncio.timeout(PATIENCE_S):
            while answers[-1:] != ["heard farewell"]:  # they were said to another worker
                answers = [e["content"].get("body", "") for e in await messages(nurse, room)]
        said = [answer for answer in answers if answer.startswith("heard ")]
        assert said == [f"heard {word}" for word in heard]
        await cluster.replaced(0, pid)
