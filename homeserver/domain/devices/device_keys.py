"""The identity keys of a device (Client-Server API, "Device keys")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from homeserver.domain.devices.errors import InvalidSignatureError
from homeserver.domain.devices.signed import ED25519, body_of, is_signed_by, signatures_of
from homeserver.domain.shared.errors import BadJsonError, InvalidParamError

if TYPE_CHECKING:
    from homeserver.domain.devices.signed import ReadKey

MAX_BYTES: Final = 64 * 1024
"""Bytes of one device's identity keys."""


def device_keys_body(value: Any, user_id: str, device_id: str, read_key: ReadKey) -> bytes:
    """What a device uploads of itself, checked, as it is kept.

    Raises BadJsonError for another shape, InvalidParamError for keys of another device or too
    many bytes, InvalidSignatureError unless the device's own Ed25519 key signed them.
    """
    if not isinstance(value, dict):
        raise BadJsonError("device_keys must be an object")
    if value.get("user_id") != user_id or value.get("device_id") != device_id:
        raise InvalidParamError("device_keys must be those of the device that uploads them")
    algorithms, keys = value.get("algorithms"), value.get("keys")
    if not isinstance(algorithms, list) or not all(isinstance(each, str) for each in algorithms):
        raise BadJsonError("algorithms must be a list of strings")
    if not isinstance(keys, dict) or not all(isinstance(each, str) for each in keys.values()):
        raise BadJsonError("keys must be an object of strings")
    body = body_of(value, MAX_BYTES)
    for _ in signatures_of(value):
        pass
    name = ED25519 + device_id
    if name not in keys:
        raise InvalidParamError("keys must have the device's Ed25519 key")
    try:
        key = read_key(keys[name])
    except ValueError as error:
        raise InvalidParamError("The device's Ed25519 key is not one") from error
    if not is_signed_by(value, user_id, name, key):
        raise InvalidSignatureError("device_keys must be signed by the device's Ed25519 key")
    return body
