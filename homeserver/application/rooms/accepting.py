"""What a client wants of a timeline, as one test of its events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.sync.filter_match import event_predicate

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.domain.sync.filter import RoomEventFilter

NOBODY: frozenset[str] = frozenset()


def accepting(
    wanted: RoomEventFilter, ignored: frozenset[str] = NOBODY
) -> Callable[[TimelineEvent], bool] | None:
    """The test, None where everything passes; of `ignored` users only state does."""
    accepts = event_predicate(wanted)
    if not ignored:
        return None if accepts is None else lambda item: accepts(item.event)

    def accept(item: TimelineEvent) -> bool:
        event = item.event
        if event.sender in ignored and event.state_key is None:
            return False
        return accepts is None or accepts(event)

    return accept
