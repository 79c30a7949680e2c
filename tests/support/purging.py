"""Purging rooms in tests: the order, and the clearing that follows on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.purging.keep_purging import AT_ONCE
from homeserver.application.purging.order_purge import OrderPurge
from homeserver.infrastructure.embedded.ids import SystemIds
from homeserver.infrastructure.sql.purge_store import SqlPurgeStore

if TYPE_CHECKING:
    from homeserver.bootstrap.core import Core
    from homeserver.infrastructure.sql.database import Database
    from tests.support.world import World

EVER = 2**62
"""A time that no order is younger than."""


async def purge(worker: World | Core, room_id: str, event_id: str) -> None:
    """Purge what stands before an event."""
    store = SqlPurgeStore(worker.database)
    order = OrderPurge(worker.access, worker.store, store, worker.writer, SystemIds())
    await order.before_event(room_id, event_id)


async def clear(database: Database, at_once: int = AT_ONCE) -> int:
    """Clear away all that was purged, without waiting; how many steps that took."""
    store, steps = SqlPurgeStore(database), 0
    while (what := await store.due(EVER)) is not None:
        await store.clear(what, at_once)
        steps += 1
    return steps
