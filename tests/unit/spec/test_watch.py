"""The watch sees what clients read, and a test with a wrong answer fails."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from tests.support.client import Device
from tests.support.spec.plugin import SpecPlugin
from tests.support.spec.watch import WATCH
from tests.support.wire import ask

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

PATH = "/_matrix/client/v3/joined_rooms"
WRONG = f'GET {PATH} -> 200: the body: "joined_rooms" is a required property'


@asynccontextmanager
async def server(body: object) -> AsyncIterator[int]:
    async def handle(_: web.BaseRequest) -> web.StreamResponse:
        return web.json_response(body)

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@pytest.fixture(autouse=True)
def _forgive() -> Iterator[None]:
    yield
    WATCH.faults.clear()


async def test_it_sees_what_each_kind_of_client_reads() -> None:
    async with server({}) as port, aiohttp.ClientSession() as http:
        async with http.get(f"http://127.0.0.1:{port}{PATH}") as answer:
            await answer.json()
        assert WATCH.faults == [WRONG]
        await ask(port, "GET", f"{PATH}?a=b")
        assert WATCH.faults == [WRONG, WRONG]
        async with Device(f"http://127.0.0.1:{port}") as device:
            await device.call("GET", "/joined_rooms")
        assert WATCH.faults == [WRONG, WRONG, WRONG]
        WATCH.faults.clear()


async def test_it_notes_what_was_met_and_finds_no_fault_in_what_is_right() -> None:
    async with server({"joined_rooms": []}) as port:
        await ask(port, "GET", PATH)
    assert WATCH.faults == []
    assert ("GET", PATH) in WATCH.met


def test_a_test_with_a_wrong_answer_fails() -> None:
    call = SpecPlugin().pytest_runtest_call()
    next(call)
    WATCH.faults.append(WRONG)
    with pytest.raises(pytest.fail.Exception, match="joined_rooms"):
        call.send(None)
    WATCH.faults.clear()


def test_a_test_without_one_passes() -> None:
    call = SpecPlugin().pytest_runtest_call()
    next(call)
    with pytest.raises(StopIteration):
        call.send(None)
