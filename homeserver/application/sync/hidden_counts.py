"""Events that a timeline leaves out, and that change unread counts all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.rooms.redact_event import REDACTION

if TYPE_CHECKING:
    from homeserver.application.sync.context import Span
    from homeserver.application.sync.room_state import Bounds
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent


def counts_may_have_moved(span: Span, room: Room, bounds: Bounds) -> bool:
    """Whether a filter or the list of ignored users may hide what changed the unread counts.

    Redactions take from them, events of the reader's own say that all before was read. Asks
    memory alone; a stretch that is not in memory may hold anything.
    """
    if bounds.until <= bounds.after:
        return False
    if not span.ignored and span.rules.timeline.of(room.room_id) is None:
        return False
    if room.tail_from > bounds.after + 1:
        return True
    tally = room.notices.tallies.get(span.requester.user_nid)
    if tally is not None and any(bounds.after < seq <= bounds.until for seq in tally.notified):
        return True
    within = (item for item in room.tail if bounds.after < item.seq <= bounds.until)
    return any(_counts(span, item) for item in within)


def _counts(span: Span, item: TimelineEvent) -> bool:
    event = item.event
    if event.type == REDACTION or event.sender == span.requester.user_id:
        return True
    return event.sender not in span.ignored and (item.notifies or "m.mentions" in event.content)
