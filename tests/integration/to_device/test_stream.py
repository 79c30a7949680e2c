"""Messages on the WebSocket stream: once in a socket, again where a frame was not acknowledged."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.integration.to_device.test_inbox import stored
from tests.support.messages import numbers, tell
from tests.support.streaming import streaming

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown


async def cleared(town: SyncTown, left: list[int]) -> None:
    """Wait until the store has no more than these."""
    async with asyncio.timeout(10):
        while await stored(town) != left:
            await asyncio.sleep(0.02)


async def test_frames_ahead_of_acknowledgements_hold_each_message_once(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    await juliet.get()
    got: list[int] = []
    async with streaming(juliet) as socket:
        for number in range(3):  # within the window, nothing acknowledged
            await tell(romeo, juliet, number)
            got += numbers(await socket.sync(ack=False))
        assert got == [0, 1, 2]
        assert await stored(town) == [1, 2, 3]
        await socket.send(type="ack", seq=2)
        await cleared(town, [3])
        await socket.send(type="ack", seq=3)
        await cleared(town, [])


async def test_a_frame_that_was_not_acknowledged_comes_again_on_the_next_socket(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    await juliet.get()
    first = juliet.since
    async with streaming(juliet) as socket:
        await tell(romeo, juliet, 1)
        assert numbers(await socket.sync(ack=False)) == [1]
    async with streaming(juliet, since=first) as socket:
        assert numbers(await socket.sync(ack=True)) == [1]
        await cleared(town, [])


async def test_the_token_of_a_frame_acknowledges_on_any_transport(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    await juliet.get()
    async with streaming(juliet) as socket:
        await tell(romeo, juliet, 1)
        assert numbers(await socket.sync(ack=False)) == [1]
    assert "to_device" not in await juliet.get()
    await cleared(town, [])
    await tell(romeo, juliet, 2)
    async with streaming(juliet) as socket:
        assert numbers(await socket.sync()) == [2]


async def test_a_slow_reader_gets_a_flood_in_order(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    await juliet.get()
    await tell(romeo, juliet, *range(150))
    got: list[int] = []
    async with streaming(juliet) as socket:
        while len(got) < 150:
            got += numbers(await socket.sync())
            await tell(romeo, juliet, 150 + len(got)) if len(got) < 150 else None
    assert got[:150] == list(range(150))
    assert len(set(got)) == len(got)
