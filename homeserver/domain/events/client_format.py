"""Events as clients see them (client-server API, "Room event format", "Stripped state")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.domain.shared.canonical_json import RawJson, encode_json

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event
    from homeserver.domain.shared.json import JsonObject


def client_event(
    event: Event, *, with_room_id: bool, unsigned: JsonObject | None
) -> dict[str, Any]:
    """Shape an event for a client.

    /sync leaves the room id out (`with_room_id=False`), all other endpoints send it. An
    empty or absent `unsigned` is left out. A redaction names its target both at top level
    and in its content, whatever the room version (room version 11, "Event format").
    """
    shaped = _shaped(event, event.content, with_room_id=with_room_id, unsigned=unsigned)
    if event.redacts is not None:
        shaped["redacts"] = event.redacts
        shaped["content"] = {**event.content, "redacts": event.redacts}
    return shaped


def _shaped(
    event: Event, content: JsonObject | RawJson, *, with_room_id: bool, unsigned: JsonObject | None
) -> dict[str, Any]:
    shaped: dict[str, Any] = {
        "content": content,
        "event_id": event.event_id,
        "origin_server_ts": event.origin_server_ts,
        "sender": event.sender,
        "type": event.type,
    }
    if with_room_id:
        shaped["room_id"] = event.room_id
    if event.state_key is not None:
        shaped["state_key"] = event.state_key
    if unsigned:
        shaped["unsigned"] = unsigned
    return shaped


def client_event_bytes(event: Event, *, with_room_id: bool, unsigned: JsonObject | None) -> bytes:
    """Write `client_event` as JSON, ready to be spliced into a response."""
    raw = event.raw_content
    if raw is None or event.type == "m.room.redaction":
        shaped = client_event(event, with_room_id=with_room_id, unsigned=unsigned)
    else:
        shaped = _shaped(event, RawJson(raw), with_room_id=with_room_id, unsigned=unsigned)
    return encode_json(shaped)


def state_unsigned(event: Event) -> dict[str, Any] | None:
    """What the server adds to an event of a room's state: the redaction that stripped it."""
    by = event.redacted_because
    if by is None:
        return None
    return {"redacted_because": client_event(by, with_room_id=True, unsigned=None)}


def stripped_state(event: Event) -> dict[str, Any]:
    """Shape a state event for someone outside the room: four keys and no more."""
    return {
        "content": event.content,
        "sender": event.sender,
        "state_key": event.state_key,
        "type": event.type,
    }
