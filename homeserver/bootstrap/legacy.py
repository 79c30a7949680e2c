"""Endpoints that the specification keeps of older APIs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.legacy.find_event import FindEvent
from homeserver.application.legacy.old_sync import OldSync
from homeserver.application.legacy.peek_room import PeekRoom
from homeserver.application.legacy.room_snapshot import RoomSnapshot
from homeserver.application.relations.related_by import RelatedBy
from homeserver.application.rooms.get_event import GetEvent
from homeserver.application.rooms.get_messages import GetMessages
from homeserver.application.rooms.log_scan import LogScan
from homeserver.application.rooms.points import Points
from homeserver.application.rooms.state_reader import StateReader
from homeserver.infrastructure.sql.directory import SqlDirectoryStore
from homeserver.presentation.client.legacy import LegacyCases, legacy_routes

if TYPE_CHECKING:
    from homeserver.application.sync.sync import Sync
    from homeserver.bootstrap.core import Core
    from homeserver.presentation.routing import Route


def build_legacy(core: Core, sync: Sync) -> tuple[Route, ...]:
    """Wire them to what answers the endpoints of today."""
    access, beside = core.access, core.aggregations
    scan, state = LogScan(core.store), StateReader(core.store)
    points = Points(core.timeline, core.log, lambda: core.generation)
    messages = GetMessages(access, scan, points, state, beside, RelatedBy(core.relations))
    directory = SqlDirectoryStore(core.database)
    get_event = GetEvent(access, core.store, beside)
    cases = LegacyCases(
        OldSync(sync, core.rooms, core.account_data, directory),
        RoomSnapshot(messages, state, directory, core.account_data),
        PeekRoom(
            access=access,
            scan=scan,
            points=points,
            aggregations=beside,
            hub=core.hub,
            clock=core.clock,
        ),
        FindEvent(core.memberships, core.store, core.rooms, get_event),
        lambda: core.settings.current.limits.sync_timeout_max_ms,
    )
    return legacy_routes(cases)
