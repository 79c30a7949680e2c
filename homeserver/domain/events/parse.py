"""Reading events: those of other servers with care, our own store's with speed.

The format is that of server-server API, "PDUs" and `content/rooms/vN.md`, "Event format".
Signatures, content hash and authorisation are later steps; see `signing.py`, `hashes.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from homeserver.domain.events.event import Event
from homeserver.domain.events.hashes import event_id_of
from homeserver.domain.events.limits import (
    MAX_AUTH_EVENTS,
    MAX_EVENT_BYTES,
    MAX_PREV_EVENTS,
    fits_key,
)
from homeserver.domain.events.redaction import redaction_target, redaction_target_of
from homeserver.domain.shared.canonical_json import (
    check_canonical,
    decode_object,
    encode_canonical,
)
from homeserver.domain.shared.errors import BadJsonError, InvalidPduError, NotJsonError
from homeserver.domain.shared.identifiers import (
    is_domain_room_id,
    is_event_id,
    is_hash_room_id,
    is_user_id,
)

if TYPE_CHECKING:
    from homeserver.domain.rooms.versions import RoomVersion
    from homeserver.domain.shared.json import JsonObject

# Key and type of what every PDU has; bool is not accepted for int.
_REQUIRED: Final = (
    ("auth_events", list),
    ("content", dict),
    ("depth", int),
    ("hashes", dict),
    ("origin_server_ts", int),
    ("prev_events", list),
    ("sender", str),
    ("type", str),
)


def parse_event(pdu: bytes | JsonObject, version: RoomVersion) -> Event:
    """Read an event that came from another server.

    `unsigned` is dropped, all else is kept as it came; the id is computed from the
    reference hash. Raises InvalidPduError where the event breaks its version's format or
    limits: it has then no valid form and must be dropped.
    """
    fields = _fields_of(pdu)
    _check_required(fields)
    _check_optional(fields, version)
    _check_room_id(fields, version)
    _check_parents(fields)
    json = _canonical(fields)
    event_id = event_id_of(fields, version)
    return _event(
        event_id=event_id,
        room_id=fields.get("room_id") or "!" + event_id[1:],
        fields=fields,
        json=json,
        redacts=redaction_target(fields, version),
    )


def load_event(
    event_id: str, body: bytes, room_id: str, version: RoomVersion | None = None
) -> Event:
    """Read an event back from our own store, trusting all three.

    Nothing is checked or hashed. Without the `version`, the target of a redaction is
    taken from the top level if there is one, else from the content.
    """
    fields = decode_object(body)
    if version is not None:
        redacts = redaction_target(fields, version)
    else:
        redacts = redaction_target_of(fields["type"], fields.get("redacts"), fields["content"])
    return _event(event_id=event_id, room_id=room_id, fields=fields, json=body, redacts=redacts)


def _event(
    *, event_id: str, room_id: str, fields: dict[str, Any], json: bytes, redacts: str | None
) -> Event:
    return Event(
        event_id=event_id,
        room_id=room_id,
        type=fields["type"],
        state_key=fields.get("state_key"),
        sender=fields["sender"],
        content=fields["content"],
        origin_server_ts=fields["origin_server_ts"],
        depth=fields["depth"],
        auth_events=tuple(fields["auth_events"]),
        prev_events=tuple(fields["prev_events"]),
        json=json,
        redacts=redacts,
    )


def _fields_of(pdu: bytes | JsonObject) -> dict[str, Any]:
    if isinstance(pdu, Mapping):
        fields = dict(pdu)
    else:
        try:
            fields = decode_object(pdu)
        except (NotJsonError, BadJsonError) as error:
            raise InvalidPduError(error.message) from error
    fields.pop("unsigned", None)
    return fields


def _check_required(fields: dict[str, Any]) -> None:
    for key, kind in _REQUIRED:
        if type(fields.get(key)) is not kind:
            raise InvalidPduError(f"{key} is missing or of the wrong type")
    # 2^53 - 1, the upper end, is what canonical JSON allows any integer.
    if fields["depth"] < 0:
        raise InvalidPduError("depth is negative")
    if not isinstance(fields["hashes"].get("sha256"), str):
        raise InvalidPduError("hashes has no sha256")
    if not is_user_id(fields["sender"]):
        raise InvalidPduError("sender is not a user id")
    if not fits_key(fields["type"]):
        raise InvalidPduError("type is longer than 255 bytes")


def _check_optional(fields: dict[str, Any], version: RoomVersion) -> None:
    if "state_key" in fields:
        state_key = fields["state_key"]
        if not isinstance(state_key, str) or not fits_key(state_key):
            raise InvalidPduError("state_key is not a string of at most 255 bytes")
    signatures = fields.get("signatures", {})
    if type(signatures) is not dict or not all(type(s) is dict for s in signatures.values()):
        raise InvalidPduError("signatures is not an object of objects")
    # From version 11 on this key means nothing and may be anything.
    if not version.redacts_in_content and not isinstance(fields.get("redacts", ""), str):
        raise InvalidPduError("redacts is not a string")


def _check_room_id(fields: dict[str, Any], version: RoomVersion) -> None:
    """Every event names its room, but for the create event of a v12 room, which is it."""
    if version.room_id_is_create_hash and _is_create(fields):
        if "room_id" in fields:
            raise InvalidPduError("A create event of this room version has no room_id")
        return
    room_id = fields.get("room_id")
    is_valid = is_hash_room_id if version.room_id_is_create_hash else is_domain_room_id
    if not is_valid(room_id):
        raise InvalidPduError("room_id is missing or not valid in this room version")


def _is_create(fields: dict[str, Any]) -> bool:
    return bool(fields["type"] == "m.room.create")


def _check_parents(fields: dict[str, Any]) -> None:
    for key, limit in (("auth_events", MAX_AUTH_EVENTS), ("prev_events", MAX_PREV_EVENTS)):
        event_ids = fields[key]
        if len(event_ids) > limit:
            raise InvalidPduError(f"{key} has more than {limit} entries")
        if not all(map(is_event_id, event_ids)):
            raise InvalidPduError(f"{key} holds something that is no event id")


def _canonical(fields: dict[str, Any]) -> bytes:
    """Write the PDU as it is stored; InvalidPduError where its values or size forbid it."""
    try:
        check_canonical(fields)
    except BadJsonError as error:
        raise InvalidPduError(error.message) from error
    json = encode_canonical(fields)
    if len(json) > MAX_EVENT_BYTES:
        raise InvalidPduError("Event is larger than 65536 bytes")
    return json
