"""Making a new event: format, hash, canonical form and id in one pass (the hot path)."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from homeserver.domain.events.event import Event
from homeserver.domain.events.hashes import create_event_id_of, event_id_from_bytes
from homeserver.domain.events.limits import MAX_EVENT_BYTES, fits_key, signature_bytes
from homeserver.domain.events.redaction import redact_content, redaction_target
from homeserver.domain.shared.base64 import encode_base64
from homeserver.domain.shared.canonical_json import (
    MAX_DEPTH,
    MAX_INTEGER,
    check_canonical,
    encode_canonical,
)
from homeserver.domain.shared.errors import InvalidParamError, TooLargeError
from homeserver.domain.shared.identifiers import domain_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.domain.rooms.versions import RoomVersion

CREATE: Final = "m.room.create"


def build_event(
    version: RoomVersion,
    *,
    room_id: str,
    sender: str,
    type: str,  # noqa: A002 - Matrix's name
    state_key: str | None,
    content: dict[str, Any],
    origin_server_ts: int,
    depth: int,
    auth_events: Sequence[str],
    prev_events: Sequence[str],
    redacts: str | None = None,
) -> Event:
    """Build an unsigned event in the format of its room version.

    `redacts` is put where the version keeps it. The create event of a v12 room carries
    no room id: `room_id` is ignored then, and the event's is made from its hash; all
    other events there never list it in `auth_events`, since they name it by their room
    id. `depth` stays at its limit once it is there.

    Raises BadJsonError for what canonical JSON cannot hold, InvalidParamError for a type,
    state key, sender or room id of more than 255 bytes, TooLargeError for an event that
    with its server's signature would pass 65,536 bytes.
    """
    depth = min(depth, MAX_INTEGER)
    names_its_room = type != CREATE or not version.room_id_is_create_hash
    if names_its_room and version.room_id_is_create_hash:
        create_id = create_event_id_of(room_id)
        auth_events = [event_id for event_id in auth_events if event_id != create_id]
    # Keys in canonical order, so that sorting them costs next to nothing.
    pdu: dict[str, Any] = {
        "auth_events": tuple(auth_events),
        "content": content,
        "depth": depth,
        "origin_server_ts": origin_server_ts,
        "prev_events": tuple(prev_events),
    }
    if redacts is not None:
        _point_at(pdu, redacts, version)
    if names_its_room:
        pdu["room_id"] = room_id
    pdu["sender"] = sender
    if state_key is not None:
        pdu["state_key"] = state_key
    pdu["type"] = type
    _check_keys(room_id, sender, type, state_key)
    # The rest is made here, of strings that encoding them checks, and content stands one deep.
    check_canonical(pdu["content"], max_depth=MAX_DEPTH - 1)

    json, digest = _seal(pdu, version)
    if len(json) + signature_bytes(domain_of(sender)) > MAX_EVENT_BYTES:
        raise TooLargeError("Event is larger than 65536 bytes")
    event_id = event_id_from_bytes(digest)
    return Event(
        event_id=event_id,
        room_id=room_id if names_its_room else "!" + event_id[1:],
        type=type,
        state_key=state_key,
        sender=sender,
        content=pdu["content"],
        origin_server_ts=origin_server_ts,
        depth=depth,
        auth_events=pdu["auth_events"],
        prev_events=pdu["prev_events"],
        json=json,
        redacts=redaction_target(pdu, version),
    )


def _point_at(pdu: dict[str, Any], target: str, version: RoomVersion) -> None:
    """Write down what a redaction redacts, leaving the caller's content as it is."""
    if version.redacts_in_content:
        pdu["content"] = {**pdu["content"], "redacts": target}
    else:
        pdu["redacts"] = target


def _seal(pdu: dict[str, Any], version: RoomVersion) -> tuple[bytes, bytes]:
    """Add the content hash; return the canonical JSON and the reference hash.

    This is `content_hash` and `reference_hash` for an object known to have no key but
    those of the event format, so that `content` and `redacts` alone are left to redact.
    """
    pdu["hashes"] = {"sha256": encode_base64(sha256(encode_canonical(pdu)).digest())}
    json = encode_canonical(pdu)
    redacted = pdu | {"content": redact_content(pdu["type"], pdu["content"], version)}
    redacted.pop("redacts", None)
    return json, sha256(encode_canonical(redacted)).digest()


def _check_keys(room_id: str, sender: str, type_: str, state_key: str | None) -> None:
    """Hold the four bounded keys to their limit, which counts bytes, not characters."""
    for name, value in (
        ("room_id", room_id),
        ("sender", sender),
        ("type", type_),
        ("state_key", state_key),
    ):
        if value is not None and not fits_key(value):
            raise InvalidParamError(f"{name} is longer than 255 bytes")
