"""Taking out of an event what a redaction takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.events.redacted import redacted_event
from homeserver.domain.push.classify import classify
from homeserver.domain.rooms.timeline import TimelineEvent

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.draft import RoomDraft
    from homeserver.domain.rooms.room import Room


def strip(state: RoomDraft, target: TimelineEvent, by: Event) -> None:
    """Note the redaction `by` of an event of the log, and strip it unless that was done."""
    event = target.event
    state.redactions.append((event.event_id, by.event_id))
    earlier = any(item.event.event_id == event.event_id for item in state.redacted)
    if target.redacted_because is not None or earlier:
        return
    state.redacted.append(_stripped(state.room, target, by))
    state.unrelate(target)
    if not target.back and classify(event).notifies_everyone:
        state.muted.append(target.seq)


def _stripped(room: Room, target: TimelineEvent, by: Event) -> TimelineEvent:
    return TimelineEvent(
        redacted_event(target.event, room.version),
        seq=target.seq,
        back=target.back,
        slot=target.slot,
        pos=target.pos,
        sender_nid=target.sender_nid,
        notify_ord=target.notify_ord,
        replaced=target.replaced,
        txn_device=target.txn_device,
        txn_id=target.txn_id,
        state_ref=target.state_ref,
        redacted_because=by,
    )
