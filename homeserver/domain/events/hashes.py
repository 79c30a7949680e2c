"""Content hash, reference hash and the ids made from them.

Specification: server-server API, "Signing Events"; room version 4, "Event IDs"; room
version 12, "Room IDs".
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from homeserver.domain.events.redaction import redact
from homeserver.domain.shared.base64 import decode_base64, encode_base64, encode_base64_url
from homeserver.domain.shared.canonical_json import encode_canonical
from homeserver.domain.shared.errors import InvalidParamError

if TYPE_CHECKING:
    from homeserver.domain.rooms.versions import RoomVersion
    from homeserver.domain.shared.json import JsonObject

HASH_BYTES: Final = 32
_STANDARD: Final = str.maketrans("-_", "+/")
# "$" and 32 bytes in unpadded Base64.
EVENT_ID_LENGTH: Final = 44

_OUTSIDE_CONTENT_HASH: Final = frozenset({"hashes", "signatures", "unsigned"})


def content_hash(pdu: JsonObject) -> str:
    """Hash the whole event but for hashes, signatures and unsigned: unpadded Base64."""
    covered = {key: value for key, value in pdu.items() if key not in _OUTSIDE_CONTENT_HASH}
    return encode_base64(sha256(encode_canonical(covered)).digest())


def has_valid_content_hash(pdu: JsonObject) -> bool:
    """Whether `hashes.sha256` is the content hash; if not, only the redacted copy counts.

    Hashes that are missing or of another shape are not.
    """
    hashes = pdu.get("hashes")
    claimed = hashes.get("sha256") if isinstance(hashes, Mapping) else None
    if not isinstance(claimed, str):
        return False
    try:
        return encode_base64(decode_base64(claimed)) == content_hash(pdu)
    except ValueError:
        return False


def reference_hash(pdu: JsonObject, version: RoomVersion) -> bytes:
    """Hash the redacted event without its signatures: the 32 bytes an event id is made of."""
    redacted = redact(pdu, version)
    redacted.pop("signatures", None)
    return sha256(encode_canonical(redacted)).digest()


def event_id_of(pdu: JsonObject, version: RoomVersion) -> str:
    """Compute an event's id, `$` and the reference hash in URL-safe Base64."""
    return event_id_from_bytes(reference_hash(pdu, version))


def room_id_of_create(create: JsonObject, version: RoomVersion) -> str:
    """Compute the room id that a create event stands for (v12): its id with `!` for `$`."""
    return "!" + event_id_of(create, version)[1:]


def create_event_id_of(room_id: str) -> str:
    """Tell which create event a room id of version 12 stands for."""
    return "$" + room_id[1:]


def event_id_from_bytes(digest: bytes) -> str:
    """Write 32 bytes as an event id; ValueError for another length."""
    if len(digest) != HASH_BYTES:
        raise ValueError("An event id is made of 32 bytes")
    return "$" + encode_base64_url(digest)


def event_id_bytes(event_id: str) -> bytes:
    """Read the 32 bytes of an event id.

    Raises InvalidParamError for any other string, also for a second spelling of the same
    bytes (standard alphabet, stray low bits), so that an id has one form only.
    """
    if len(event_id) == EVENT_ID_LENGTH and event_id[0] == "$":
        try:
            # lenient, hence the comparison
            digest = a2b_base64(event_id[1:].translate(_STANDARD) + "=")
        except ValueError:
            digest = b""
        if len(digest) == HASH_BYTES and event_id_from_bytes(digest) == event_id:
            return digest
    raise InvalidParamError("Not an event id")


def is_event_id(text: str) -> bool:
    """Whether a text is the id of an event, in its one form."""
    try:
        event_id_bytes(text)
    except InvalidParamError:
        return False
    return True
