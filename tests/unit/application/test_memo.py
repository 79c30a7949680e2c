"""Answers made once for all who ask."""

from __future__ import annotations

import asyncio

import pytest

from homeserver.application.memo import Memo
from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.embedded.shared_cache import MemoryCache


class Kitchen:
    """Makes numbered answers."""

    def __init__(self) -> None:
        self.made = 0
        self.gate = asyncio.Event()
        self.error: Exception | None = None

    async def make(self) -> bytes:
        self.made += 1
        number = self.made
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return str(number).encode()


def memo() -> Memo:
    return Memo(MemoryCache(SystemClock(), max_bytes=1 << 20))


async def test_an_answer_is_made_once_for_each_version() -> None:
    answers, kitchen = memo(), Kitchen()
    kitchen.gate.set()
    assert [await answers.get("a", 1, 60, kitchen.make) for _ in range(3)] == [b"1"] * 3
    assert await answers.get("a", 2, 60, kitchen.make) == b"2"
    assert await answers.get("b", 2, 60, kitchen.make) == b"3"


async def test_a_reader_of_an_older_version_never_gets_the_newer_answer() -> None:
    answers, kitchen = memo(), Kitchen()
    kitchen.gate.set()
    assert await answers.get("a", 2, 60, kitchen.make) == b"1"
    assert await answers.get("a", 1, 60, kitchen.make) == b"2"
    assert await answers.get("a", 2, 60, kitchen.make) == b"1"


async def test_of_many_who_ask_at_once_one_makes_it() -> None:
    answers, kitchen = memo(), Kitchen()
    tasks = [asyncio.create_task(answers.get("a", 1, 60, kitchen.make)) for _ in range(5)]
    await asyncio.sleep(0.01)
    tasks[0].cancel()
    await asyncio.sleep(0)
    kitchen.gate.set()
    assert await asyncio.gather(*tasks[1:]) == [b"1"] * 4
    assert tasks[0].cancelled()


async def test_an_error_reaches_all_and_is_not_kept() -> None:
    answers, kitchen = memo(), Kitchen()
    kitchen.error = ValueError("burnt")
    tasks = [asyncio.create_task(answers.get("a", 1, 60, kitchen.make)) for _ in range(2)]
    kitchen.gate.set()
    for task in tasks:
        with pytest.raises(ValueError, match="burnt"):
            await task
    kitchen.error = None
    assert await answers.get("a", 1, 60, kitchen.make) == b"2"
