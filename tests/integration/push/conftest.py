"""A worker that pushes, and a gateway."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from homeserver.domain.push import retry
from tests.support.gateway import Gateway, open_gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.syncing import Phone, SyncTown


@pytest_asyncio.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """One that accepts everything, until it is told otherwise."""
    async with open_gateway() as opened:
        yield opened


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries begin at 20 ms."""
    monkeypatch.setattr(retry, "FIRST_MS", 20)


async def in_a_room(romeo: Phone, juliet: Phone, **wanted: object) -> str:
    """A room of both."""
    room = await romeo.create_room(preset="public_chat", **wanted)
    await juliet.do("join", room)
    return room


async def pushing(town: SyncTown) -> None:
    """Start the role, and wait until it follows the logs: the first time it begins there."""
    town.push.start()
    async with asyncio.timeout(10):
        while not any(bytes(row[3]) for row in await town.store.dump("role") if row[0] == b"push"):
            await asyncio.sleep(0.02)


async def equipped(
    town: SyncTown, romeo: Phone, juliet: Phone, gateway: Gateway, *keys: str
) -> str:
    """A room of both while the role works; Juliet has a pusher of each key, or just one."""
    await pushing(town)
    room = await in_a_room(romeo, juliet)
    for key in keys or ("key",):
        await gateway.equip(juliet, key)
    return room
