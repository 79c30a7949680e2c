"""Purging history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.purging.get_purge import GetPurge
from homeserver.application.purging.keep_purging import KeepPurging
from homeserver.application.purging.order_purge import OrderPurge
from homeserver.infrastructure.sql.purge_store import SqlPurgeStore
from homeserver.infrastructure.sql.roles import SqlRole
from homeserver.presentation.admin.purges import purge_routes

if TYPE_CHECKING:
    from homeserver.bootstrap.core import Core
    from homeserver.presentation.routing import Route


@dataclass(frozen=True, slots=True)
class PurgeParts:
    """The routes, and what clears away for as long as the process runs."""

    routes: tuple[Route, ...]
    keep_purging: KeepPurging


def build_purging(core: Core) -> PurgeParts:
    """Wire it; on each worker, of which one at a time clears."""
    store = SqlPurgeStore(core.database)
    order = OrderPurge(core.access, core.store, store, core.writer, core.ids)
    role = SqlRole(core.database, KeepPurging.ROLE, core.clock, lambda: core.writer.lease.holder)
    keep_purging = KeepPurging(role, store, core.clock)
    return PurgeParts(purge_routes(order, GetPurge(core.access, store)), keep_purging)
