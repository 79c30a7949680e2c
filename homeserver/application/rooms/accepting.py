"""A client's filter as a test of timeline events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.sync.filter_match import event_predicate

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.domain.sync.filter import RoomEventFilter


def accepting(wanted: RoomEventFilter) -> Callable[[TimelineEvent], bool] | None:
    """The test, None where the filter takes everything."""
    accepts = event_predicate(wanted)
    if accepts is None:
        return None
    return lambda item: accepts(item.event)
