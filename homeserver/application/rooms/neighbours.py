"""What stands around an event in its room's log, for one reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from homeserver.application.rooms.log_scan import Span
from homeserver.domain.sync.position import RoomPosition, just_after, just_before

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.access import RoomView
    from homeserver.application.rooms.log_scan import LogScan
    from homeserver.application.rooms.sieve import Sieve
    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.domain.sync.position import RoomPoint


class Neighbours(NamedTuple):
    """`before` newest first, `after` oldest first; `start` and `end` are where /messages goes on."""

    before: list[TimelineEvent]
    after: list[TimelineEvent]
    start: RoomPoint
    end: RoomPoint


async def neighbours(
    scan: LogScan,
    view: RoomView,
    item: TimelineEvent,
    *,
    before: int,
    after: int,
    accept: Callable[[TimelineEvent], bool] | None = None,
    sieve: Sieve | None = None,
) -> Neighbours:
    """Give up to so many events on each side of one that the reader sees."""
    here = RoomPosition(item.seq, item.back)
    beginning, newest = just_after(RoomPosition(0)), just_after(RoomPosition(view.until))

    async def side(span: Span, limit: int, *, backwards: bool) -> list[TimelineEvent]:
        if limit <= 0:
            return []
        page = await scan.page(
            view, span, backwards=backwards, limit=limit, accept=accept, sieve=sieve
        )
        return page.events

    older = await side(Span.between(beginning, just_before(here)), before, backwards=True)
    newer = await side(Span.between(just_after(here), newest), after, backwards=False)
    first, last = (older or [item])[-1], (newer or [item])[-1]
    return Neighbours(
        older,
        newer,
        just_before(RoomPosition(first.seq, first.back)),
        just_after(RoomPosition(last.seq, last.back)),
    )
