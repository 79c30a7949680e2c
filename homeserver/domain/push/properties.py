"""An event as push rules see it: a JSON object whose properties have dotted paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event
    from homeserver.domain.shared.json import Json, JsonObject


def push_properties(event: Event) -> JsonObject:
    """Return the event's client form for `evaluate`; build it once for all readers.

    A `state_key` (and `redacts`) is there only where the event has one, since an absent
    property matches no condition.
    """
    properties: dict[str, Json] = {
        "type": event.type,
        "sender": event.sender,
        "room_id": event.room_id,
        "event_id": event.event_id,
        "origin_server_ts": event.origin_server_ts,
        "content": event.content,
    }
    if event.state_key is not None:
        properties["state_key"] = event.state_key
    if event.redacts is not None:
        properties["redacts"] = event.redacts
    return properties
