"""Requests of one socket: bounded, in order by room, never cut off."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from homeserver.presentation.stream.under_way import MAX_UNDER_WAY, UnderWay

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Gate:
    """Work that waits to be let through, and notes when it begins and ends."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.ended: list[str] = []
        self.open = asyncio.Event()

    def work(self, name: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            self.began.append(name)
            await self.open.wait()
            self.ended.append(name)

        return run


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def under_way(ended: list[None] | None = None) -> UnderWay:
    def end() -> None:
        if ended is not None:
            ended.append(None)

    return UnderWay(asyncio.create_task, end)


async def test_rooms_side_by_side_and_each_in_order() -> None:
    gate, ended = Gate(), list[None]()
    running = under_way(ended)
    for name in ("a1", "b1", "a2", "b2"):
        running.start(name[0], gate.work(name))
    await settle()
    assert gate.began == ["a1", "b1"]
    gate.open.set()
    await running.finish()
    await settle()
    assert [n for n in gate.began if n[0] == "a"] == ["a1", "a2"]
    assert sorted(gate.ended) == ["a1", "a2", "b1", "b2"]
    assert len(ended) == 4


async def test_it_says_when_it_is_full_and_when_it_no_longer_is() -> None:
    gate, running = Gate(), under_way()
    for n in range(MAX_UNDER_WAY):
        assert not running.is_full
        running.start(f"r{n}", gate.work(f"w{n}"))
    assert running.is_full
    gate.open.set()
    await running.finish()
    await settle()
    assert not running.is_full


async def test_nothing_is_kept_of_what_is_done() -> None:
    gate, running = Gate(), under_way()
    gate.open.set()
    for n in range(20):
        running.start(f"r{n % 3}", gate.work(f"w{n}"))
    await running.finish()
    await settle()
    assert not running._tasks
    assert not running._last
