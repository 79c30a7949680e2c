"""How an event lies in the store: a codec byte and a body.

Codec 1 keeps an event as a MessagePack array: ids and hashes as bytes, the content as the
JSON that clients get, so that a page of history is read without unpacking what nobody
asks for. Each body is tried when it is written: what does not give back the very same
canonical JSON is kept plain (codec 0). A codec is never changed, only added.
"""

from __future__ import annotations

import zlib
from binascii import a2b_base64
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from homeserver.domain.events.event import Event
from homeserver.domain.events.hashes import HASH_BYTES, event_id_bytes, event_id_from_bytes
from homeserver.domain.events.parse import load_event
from homeserver.domain.events.redaction import redaction_target_of
from homeserver.domain.shared.base64 import encode_base64
from homeserver.domain.shared.canonical_json import decode_object
from homeserver.domain.shared.errors import InvalidParamError

PLAIN = 0
PACKED = 1
PURGED = 2
"""Nothing of the event is left but its row."""
_DEFLATE_FROM = 400
"""Bytes of content from which deflating it pays (encrypted messages: a fifth less)."""


class Pdu(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The keys that nearly all PDUs have, in canonical order; one with others stays plain."""

    auth_events: list[str]
    content: msgspec.Raw
    depth: int
    hashes: dict[str, str]
    origin_server_ts: int
    prev_events: list[str]
    redacts: str | UnsetType = UNSET
    room_id: str | UnsetType = UNSET
    sender: str
    signatures: msgspec.Raw | UnsetType = UNSET
    state_key: str | UnsetType = UNSET
    type: str


class Packed(msgspec.Struct, array_like=True, gc=False):
    """The stored form; the order of the fields is part of the codec."""

    content: bytes
    deflated: bool
    type: str
    sender: str
    ts: int
    depth: int
    sha256: bytes
    auth: bytes
    prev: bytes
    in_room: bool
    state_key: str | None
    redacts: str | None
    signatures: bytes


_read_pdu = msgspec.json.Decoder(Pdu).decode
_write_pdu = msgspec.json.Encoder().encode
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Packed).decode


def encode_event(event: Event) -> tuple[int, bytes]:
    """Return (codec, body) for an event."""
    packed = _packed(event.json)
    if packed is not None and packed_json(packed, event.room_id) == event.json:
        return PACKED, _pack(packed)
    return PLAIN, event.json


def decode_event(event_id: str, room_id: str, codec: int, body: bytes) -> Event:
    """Read an event back. Raises ValueError for a codec of a newer version."""
    if codec == PACKED:
        return StoredEvent.of(event_id, room_id, _unpack(body))
    if codec == PLAIN:
        return load_event(event_id, body, room_id)
    if codec == PURGED:
        return hollow_event(event_id, room_id)
    msg = f"event body with unknown codec {codec}"
    raise ValueError(msg)


def hollow_event(event_id: str, room_id: str) -> Event:
    """What stands for a purged event where rows are read without a look at the room's floor.

    It has no type, no sender and no JSON, so it is of no kind that anybody looks for.
    """
    return Event(event_id, room_id, "", None, "", {}, 0, 0, (), (), b"")


class StoredEvent(Event):
    """An event whose dearer fields are read when somebody first asks for them."""

    __slots__ = ("packed", "raw_content")

    packed: Packed

    @classmethod
    def of(cls, event_id: str, room_id: str, packed: Packed) -> StoredEvent:
        """Make one from the stored form."""
        event = object.__new__(cls)
        put = object.__setattr__  # events are frozen
        put(event, "event_id", event_id)
        put(event, "room_id", room_id)
        put(event, "type", packed.type)
        put(event, "state_key", packed.state_key)
        put(event, "sender", packed.sender)
        put(event, "origin_server_ts", packed.ts)
        put(event, "depth", packed.depth)
        put(event, "redacted_because", None)
        put(event, "raw_content", content_json(packed))
        put(event, "packed", packed)
        return event

    def __getattr__(self, name: str) -> Any:
        """Fill a field that is not filled yet."""
        fill = _FILL.get(name)
        if fill is None:
            raise AttributeError(name)
        value = fill(self)
        object.__setattr__(self, name, value)
        return value

    def __eq__(self, other: object) -> bool:
        """An event is its id and its JSON, however much of it has been read."""
        if not isinstance(other, Event):
            return NotImplemented
        return self.event_id == other.event_id and self.json == other.json

    __hash__ = None  # type: ignore[assignment]


_FILL: dict[str, Any] = {
    "content": lambda event: decode_object(event.raw_content),
    "auth_events": lambda event: tuple(_ids(event.packed.auth)),
    "prev_events": lambda event: tuple(_ids(event.packed.prev)),
    "json": lambda event: packed_json(event.packed, event.room_id),
    "redacts": lambda event: redaction_target_of(event.type, event.packed.redacts, event.content),
    "raw_content": lambda _: None,  # one that was made by `dataclasses.replace`
}


def content_json(packed: Packed) -> bytes:
    """The content's canonical JSON."""
    return zlib.decompress(packed.content, -12) if packed.deflated else packed.content


def packed_json(packed: Packed, room_id: str) -> bytes:
    """The canonical JSON of the whole PDU."""
    pdu = Pdu(
        auth_events=_ids(packed.auth),
        content=msgspec.Raw(content_json(packed)),
        depth=packed.depth,
        hashes={"sha256": encode_base64(packed.sha256)},
        origin_server_ts=packed.ts,
        prev_events=_ids(packed.prev),
        redacts=UNSET if packed.redacts is None else packed.redacts,
        room_id=room_id if packed.in_room else UNSET,
        sender=packed.sender,
        signatures=msgspec.Raw(packed.signatures) if packed.signatures else UNSET,
        state_key=UNSET if packed.state_key is None else packed.state_key,
        type=packed.type,
    )
    return _write_pdu(pdu)


def _packed(json: bytes) -> Packed | None:
    """Take a PDU apart; None where the packed form has no place for something."""
    try:
        pdu = _read_pdu(json)
        content, deflated = _shorter(bytes(pdu.content))
        return Packed(
            content,
            deflated,
            pdu.type,
            pdu.sender,
            pdu.origin_server_ts,
            pdu.depth,
            a2b_base64(pdu.hashes["sha256"] + "="),
            b"".join(map(id_bytes, pdu.auth_events)),
            b"".join(map(id_bytes, pdu.prev_events)),
            pdu.room_id is not UNSET,
            None if pdu.state_key is UNSET else pdu.state_key,
            None if pdu.redacts is UNSET else pdu.redacts,
            b"" if pdu.signatures is UNSET else bytes(pdu.signatures),
        )
    except (msgspec.MsgspecError, InvalidParamError, ValueError, KeyError):
        return None


def _shorter(content: bytes) -> tuple[bytes, bool]:
    if len(content) >= _DEFLATE_FROM:
        packer = zlib.compressobj(6, zlib.DEFLATED, -12, 5)
        deflated = packer.compress(content) + packer.flush()
        if len(deflated) < len(content):
            return deflated, True
    return content, False


def _ids(joined: bytes) -> list[str]:
    return [_id_text(joined[at : at + HASH_BYTES]) for at in range(0, len(joined), HASH_BYTES)]


# the same auth events stand in all events of a room, and each event names those before it
_id_text = lru_cache(maxsize=8192)(event_id_from_bytes)
id_bytes = lru_cache(maxsize=8192)(event_id_bytes)
"""The bytes of an event id; InvalidParamError for what is none."""
