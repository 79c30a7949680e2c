"""A server killed while it owes notifications delivers them after its next start."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.support.client import Device
from tests.support.gateway import PATH, Gateway, events, open_gateway
from tests.support.server import running_firn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.server import FirnProcess

HERE = {"FIRN__PUSH__ALLOW_HTTP": "127.0.0.1", "FIRN__PUSH__ALLOW_NETWORKS": "127.0.0.0/8"}


@pytest_asyncio.fixture
async def pushing(tmp_path: Path, store_url: str) -> AsyncIterator[FirnProcess]:
    """A server whose gateways may be on this machine."""
    async with running_firn(tmp_path, store_url, **HERE) as process:
        yield process


@pytest_asyncio.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """Where it pushes to."""
    async with open_gateway() as opened:
        yield opened


@pytest.mark.timeout(120)
async def test_nothing_that_is_owed_is_lost_by_a_kill(
    pushing: FirnProcess, gateway: Gateway
) -> None:
    """Each event is accepted at least once, and in order; more often only where it was under way."""
    async with Device(pushing.base) as romeo, Device(pushing.base) as juliet:
        await romeo.register("romeo")
        await juliet.register("juliet")
        room = await romeo.create_room(preset="public_chat")
        await juliet.room_call("POST", room, "join", {})
        assert gateway.url.endswith(PATH)
        await juliet.call("POST", "/pushers/set", gateway.pusher())
        sent = [await romeo.send(room, "heard")]
        await gateway.accepts(1)
        gateway.status = 503
        sent += [await romeo.send(room, f"owed {number}") for number in range(3)]
        await gateway.hears(3)
        await pushing.restart(signal.SIGKILL)
        gateway.status = 200
        sent.append(await romeo.send(room, "after the kill"))
        accepted = events(await gateway.accepts(5))
        while accepted[-1] != sent[-1]:
            accepted = events(await gateway.accepts(len(accepted) + 1))
        assert list(dict.fromkeys(accepted)) == sent
        assert len(accepted) <= len(sent) + 1
