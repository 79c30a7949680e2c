"""A worker with people who search, and an index that a test fills when it wants to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest_asyncio

from homeserver.application.search.fill_index import FillIndex
from homeserver.infrastructure.sql.search_log import SqlSearchLog
from homeserver.infrastructure.sql.tail_reader import SqlTailReader
from homeserver.infrastructure.sql.user_directory import SqlUserDirectory

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.syncing import Phone, SyncTown

    Fill = Callable[[], Awaitable[None]]


@pytest_asyncio.fixture
async def fill(town: SyncTown) -> Fill:
    """What brings the index up to all that was sent."""
    return lambda: filled(town)


async def filled(town: SyncTown) -> None:
    """Bring a town's index up to all that was sent."""
    core = town.core
    log = SqlSearchLog(core.database, core.clock, lambda: core.writer.lease.holder)
    cursor = await log.take()
    assert cursor is not None
    work = FillIndex(log, SqlUserDirectory(core.database), SqlTailReader(core.database), cursor)
    while await work():
        pass


async def search(
    phone: Phone, term: str, next_batch: str | None = None, **wanted: Any
) -> dict[str, Any]:
    """Search; the part of the answer that is about events."""
    wanted = {"search_term": term, "order_by": "recent", **wanted}
    body = {"search_categories": {"room_events": wanted}}
    query = {"next_batch": next_batch}
    answer = await phone.call("POST", "/search", body, query)
    found: dict[str, Any] = answer["search_categories"]["room_events"]
    return found


async def hits(phone: Phone, term: str, **wanted: Any) -> list[str]:
    """The texts that a search finds, in its order."""
    found = await search(phone, term, **wanted)
    contents = [result["result"]["content"] for result in found["results"]]
    return [c.get("body") or c.get("name") or c.get("topic") for c in contents]
