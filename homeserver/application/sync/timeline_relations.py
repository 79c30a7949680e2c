"""What relates to the events of a timeline: told beside them, and asked for by filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.relations.bundle import NOTHING
from homeserver.application.relations.sight import sight_of, whole_sight

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.application.ports.relation_store import Sight
    from homeserver.application.relations.aggregations import Aggregations
    from homeserver.application.relations.bundle import Bundle
    from homeserver.application.relations.related_by import RelatedBy
    from homeserver.application.rooms.sieve import Sieve
    from homeserver.application.rooms.timeline_reader import Page
    from homeserver.application.sync.context import Span
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.visibility import VisibilityWindow

    Window = VisibilityWindow[float] | None


class TimelineRelations:
    """Looks at relations as they were at the end of an answer.

    A timeline that is not limited has all that happened: its reader aggregates (spec,
    "Aggregations of child events"), so it costs nothing here.
    """

    def __init__(self, aggregations: Aggregations, related_by: RelatedBy) -> None:
        """Read with these."""
        self._aggregations = aggregations
        self._related_by = related_by

    async def bundles(
        self, span: Span, room: Room, page: Page, until: int, window: Window
    ) -> Mapping[str, Bundle]:
        """The bundles of a page that ends at `until`; no window shows everything."""
        if not page.limited:
            return NOTHING
        return await self._aggregations.of(
            room, page.events, lambda: _sight(span, room, until, window)
        )

    def sieve(self, span: Span, room: Room, until: int, window: Window) -> Sieve | None:
        """The `related_by_*` part of the timeline's filter."""

        async def sight() -> Sight:
            return _sight(span, room, until, window)

        return self._related_by.sieve(span.request.filter.room.timeline, sight)


def _sight(span: Span, room: Room, until: int, window: Window) -> Sight:
    if window is None:
        return whole_sight(room, until, span.ignored)
    return sight_of(room, window, until, span.ignored)
