"""The sync token: a certified vector with what it is valid for (design §2.5).

Text form: `s1_` and base64url of: checksum (4 bytes), store generation (8 bytes), vector,
ephemeral instance, ephemeral tick. With something to say of a device's inbox it is `s2_`, and
the device and the number of its last message follow; with something to say of presence `s3_`,
and its tick follows those. The checksum covers the user too, so that another user's
token is refused (bad-inputs E6). It guards against mix-ups, not forgers: a token grants
nothing, every answer goes through the access gates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple

from homeserver.domain.shared.errors import InvalidParamError
from homeserver.domain.sync.vector import Vector
from homeserver.domain.sync.wire import Reader, from_text, pack_number, to_text

if TYPE_CHECKING:
    from collections.abc import Mapping

GENERATION_BYTES: Final = 8
_WHAT: Final = "sync token"
_PREFIX: Final = "s1_"
_WITH_INBOX: Final = "s2_"
_WITH_PRESENCE: Final = "s3_"
NO_INBOX: Final = (0, 0)
_MAX_TEXT: Final = 16_384
_CHECKSUM_BYTES: Final = 4
_OTHER_VERSION: Final = re.compile(r"s[0-9]+_")


class SyncToken(NamedTuple):
    """A point in all that one user can see.

    `generation` is the store's random id (8 bytes), `user` the user's 64-bit nid,
    `ephemeral` the worker instance and its tick for what is not in the log (typing,
    presence); another instance's tick means: send those whole. `inbox` is a device's nid and
    the number of the last message that it got with this token. `presence` is the tick of the
    instance's presence board; ticks of presence are about the time in milliseconds.
    """

    vector: Vector
    generation: bytes
    user: int
    ephemeral: tuple[int, int] = (0, 0)
    inbox: tuple[int, int] = NO_INBOX
    presence: int = 0


@dataclass(frozen=True, slots=True)
class StaleToken:
    """A sound token of another store generation: answer from that generation's floor."""

    token: SyncToken

    def vector(self, floor: Mapping[int, int] | None) -> Vector:
        """What of it still holds: no position above the floor (None: unknown, nothing holds)."""
        known = floor or {}
        return Vector({slot: min(pos, known.get(slot, 0)) for slot, pos in self.token.vector})


def is_sync_token(text: str) -> bool:
    """Whether a `from` or `since` looks like a sync token of any version."""
    return _OTHER_VERSION.match(text) is not None


def encode_token(token: SyncToken) -> str:
    """Write a token as URL-safe text."""
    instance, tick = token.ephemeral
    payload = b"%b%b%b%b" % (
        token.generation,
        token.vector.packed,
        pack_number(instance),
        pack_number(tick),
    )
    if token.inbox == NO_INBOX and not token.presence:
        return _PREFIX + to_text(_checksum(token.user, payload) + payload)
    payload += b"".join(map(pack_number, token.inbox))
    if token.presence:
        payload += pack_number(token.presence)
        return _WITH_PRESENCE + to_text(_checksum(token.user, payload) + payload)
    return _WITH_INBOX + to_text(_checksum(token.user, payload) + payload)


def decode_token(text: str, *, user: int, generation: bytes) -> SyncToken | StaleToken:
    """Read a token that `user` presents to a store of `generation`.

    `InvalidParamError` for garbage, another user's token or an unknown version.
    """
    prefix = text[: len(_PREFIX)]
    known = prefix in (_PREFIX, _WITH_INBOX, _WITH_PRESENCE)
    if not known or len(text) > _MAX_TEXT:
        other = is_sync_token(text) and not known
        raise InvalidParamError("Unknown sync token version" if other else f"Malformed {_WHAT}")
    data = from_text(text[len(prefix) :], _WHAT)
    checksum, payload = data[:_CHECKSUM_BYTES], data[_CHECKSUM_BYTES:]
    if checksum != _checksum(user, payload):
        raise InvalidParamError("This sync token is damaged or another user's")
    token = _read(payload, user, prefix)
    return token if token.generation == generation else StaleToken(token)


def _read(payload: bytes, user: int, prefix: str) -> SyncToken:
    reader = Reader(payload, _WHAT)
    generation = reader.take(GENERATION_BYTES)
    vector = Vector.read(reader)
    ephemeral = reader.number(), reader.number()
    inbox = NO_INBOX if prefix == _PREFIX else (reader.number(), reader.number())
    presence = reader.number() if prefix == _WITH_PRESENCE else 0
    reader.finish()
    return SyncToken(vector, generation, user, ephemeral, inbox, presence)


def _checksum(user: int, payload: bytes) -> bytes:
    keyed = user.to_bytes(8, "big") + payload
    return blake2b(keyed, digest_size=_CHECKSUM_BYTES, person=b"firn sync 1").digest()
