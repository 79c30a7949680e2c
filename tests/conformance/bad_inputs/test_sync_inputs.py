"""E6 over the whole server: tokens and timeouts that make no sense."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.support.client import Device

if TYPE_CHECKING:
    from tests.conformance.bad_inputs.conftest import Target


@pytest.mark.parametrize(
    "since", ["x", "s1_", "s1_AAAA", "s2_abc", "t5-1", "%00", "s1_" + "A" * 20_000]
)
async def test_E6_garbage_is_refused(target: Target, since: str) -> None:
    for path in (f"/sync?since={since}", target.in_room(f"messages?dir=b&from={since}")):
        answer = await target.ask("GET", path)
        assert answer.status in (400, 414), path


async def test_E6_anothers_token_is_refused(target: Target) -> None:
    await target.alice.sync()
    async with Device(target.firn.base) as other:
        await other.register(f"e6-{target.alice.device_id.lower()}")
        answer = await target.ask("GET", f"/sync?since={target.alice.since}", token=other.token)
    assert answer.error == (400, "M_INVALID_PARAM")


async def test_E6_a_wait_of_years_is_capped_and_ends_with_news(target: Target) -> None:
    await target.alice.sync()
    waiting = asyncio.create_task(target.alice.sync(10**9))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await target.alice.send(target.room, "news")
    await asyncio.wait_for(waiting, 3)
    assert target.alice.rooms[target.room].bodies == ["news"]
    for timeout in ("-1", "x", "1.5", "", "1e3"):
        answer = await target.ask("GET", f"/sync?since={target.alice.since}&timeout={timeout}")
        assert answer.status in (200, 400)


@pytest.mark.parametrize("filter_", ["[]", "{", "5", "999", '{"room":5}', "%7B%22a%22:NaN%7D"])
async def test_E6_filters_that_are_none(target: Target, filter_: str) -> None:
    answer = await target.ask("GET", f"/sync?filter={filter_}".replace('"', "%22"))
    assert answer.status in (400, 404)
