"""Full-text search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.rooms.log_scan import LogScan
from homeserver.application.rooms.state_reader import StateReader
from homeserver.application.search.keep_filled import KeepFilled
from homeserver.application.search.search_events import SearchEvents
from homeserver.application.search.search_users import SearchUsers
from homeserver.application.search.visible_texts import VisibleTexts
from homeserver.application.sync.ignored import IgnoredUsers
from homeserver.infrastructure.sql.search_index import SqlSearchIndex
from homeserver.infrastructure.sql.search_log import SqlSearchLog
from homeserver.infrastructure.sql.tail_reader import SqlTailReader
from homeserver.infrastructure.sql.user_directory import SqlUserDirectory
from homeserver.presentation.client.search import search_routes
from homeserver.presentation.client.user_directory import user_directory_routes

if TYPE_CHECKING:
    from homeserver.bootstrap.core import Core
    from homeserver.presentation.routing import Route


@dataclass(frozen=True, slots=True)
class SearchParts:
    """The routes, and what fills the index for as long as the process runs."""

    routes: tuple[Route, ...]
    keep_filled: KeepFilled


def build_search(core: Core) -> SearchParts:
    """Wire it; on each worker, of which one at a time fills."""
    index = SqlSearchIndex(core.database)
    search_log = SqlSearchLog(core.database, core.clock, lambda: core.writer.lease.holder)
    directory = SqlUserDirectory(core.database)
    keep_filled = KeepFilled(search_log, directory, SqlTailReader(core.database), core.hub)
    search = SearchEvents(
        VisibleTexts(core.access, core.rooms, core.memberships, index),
        core.store,
        LogScan(core.store),
        StateReader(core.store),
        core.aggregations,
        IgnoredUsers(core.account_data),
        keep_filled.caught_up,
    )
    people = SearchUsers(index, directory, keep_filled.caught_up)
    return SearchParts((*search_routes(search), *user_directory_routes(people)), keep_filled)
