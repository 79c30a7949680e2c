"""The cross-signing keys of a user (Client-Server API, "Cross-signing")."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from homeserver.domain.devices.errors import InvalidSignatureError
from homeserver.domain.devices.signed import ED25519, body_of, is_signed_by, signatures_of
from homeserver.domain.shared.errors import BadJsonError, InvalidParamError

if TYPE_CHECKING:
    from homeserver.domain.devices.signed import ReadKey
    from homeserver.domain.shared.json import JsonObject

MAX_BYTES: Final = 16 * 1024
"""Bytes of one key with the signatures that it is uploaded with."""


class Usage(Enum):
    """What a key is for."""

    MASTER = "master"
    SELF_SIGNING = "self_signing"
    USER_SIGNING = "user_signing"

    @property
    def field(self) -> str:
        """Its name in requests."""
        return f"{self.value}_key"


class CrossSigningKey(NamedTuple):
    """A key: its public half in unpadded Base64, and the object that has it."""

    usage: Usage
    public_key: str
    body: bytes

    @property
    def name(self) -> str:
        """Under which name it signs."""
        return ED25519 + self.public_key


def read_cross_signing_key(
    value: Any, usage: Usage, user_id: str, read_key: ReadKey
) -> CrossSigningKey:
    """A key that a user uploads, but for its signatures.

    Raises BadJsonError for another shape, InvalidParamError for another user's key, one for
    something else, or none at all.
    """
    if not isinstance(value, dict) or not isinstance(value.get("usage"), list):
        raise BadJsonError(f"{usage.field} must be an object with a list of usages")
    keys = value.get("keys")
    if not isinstance(keys, dict):
        raise BadJsonError("keys must be an object")
    if value.get("user_id") != user_id:
        raise InvalidParamError(f"{usage.field} must be the user's own")
    if usage.value not in value["usage"]:
        raise InvalidParamError(f"{usage.field} is for another usage")
    if len(keys) != 1:
        raise InvalidParamError(f"{usage.field} must have exactly one key")
    body = body_of(value, MAX_BYTES)
    for _ in signatures_of(value):
        pass
    ((name, public_key),) = keys.items()
    try:
        read_key(public_key if isinstance(public_key, str) else "")
    except ValueError as error:
        raise InvalidParamError(f"{usage.field} has no Ed25519 key") from error
    if name != ED25519 + public_key:
        raise InvalidParamError(f"{usage.field} must be named by its public key")
    return CrossSigningKey(usage, public_key, body)


def check_signed_by_master(
    value: JsonObject, user_id: str, master: CrossSigningKey, read_key: ReadKey
) -> None:
    """Raise InvalidSignatureError unless the user's master key signed a key of theirs."""
    if not is_signed_by(value, user_id, master.name, read_key(master.public_key)):
        raise InvalidSignatureError("The key must be signed by the master key")
