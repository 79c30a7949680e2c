"""One-time and fallback keys (Client-Server API, "One-time and fallback keys")."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from homeserver.domain.shared.canonical_json import check_canonical, encode_canonical
from homeserver.domain.shared.errors import BadJsonError, InvalidParamError

SIGNED_CURVE25519: Final = "signed_curve25519"
MAX_KEYS: Final = 1000
"""One-time keys that a device may have; clients keep 50 to 100."""
MAX_BYTES: Final = 8 * 1024
"""Bytes of one of them."""
MAX_NAME_BYTES: Final = 255
_SIGNED: Final = "signed_"


class OneTimeKey(NamedTuple):
    """A key: its algorithm, its id within that, and its JSON."""

    algorithm: str
    key_id: str
    body: bytes

    @property
    def name(self) -> str:
        """`algorithm:key id`."""
        return f"{self.algorithm}:{self.key_id}"


def read_one_time_keys(value: Any) -> dict[str, OneTimeKey]:
    """The keys of an upload by name.

    Raises BadJsonError for another shape, InvalidParamError for names or keys beyond the limits.
    """
    if not isinstance(value, dict):
        raise BadJsonError("Keys must be an object")
    if len(value) > MAX_KEYS:
        raise InvalidParamError(f"At most {MAX_KEYS} keys")
    return {name: _read(name, key) for name, key in value.items()}


def read_fallback_keys(value: Any) -> dict[str, OneTimeKey]:
    """The fallback keys of an upload by algorithm: one for each. Raises as the function above."""
    found: dict[str, OneTimeKey] = {}
    for key in read_one_time_keys(value).values():
        if key.algorithm in found:
            raise InvalidParamError("There can be only one fallback key for an algorithm")
        found[key.algorithm] = key
    return found


def _read(name: str, key: Any) -> OneTimeKey:
    algorithm, colon, key_id = name.partition(":")
    if not (algorithm and colon and key_id):
        raise InvalidParamError("A key's name must be `algorithm:key id`")
    check_canonical(name)
    if len(name.encode()) > MAX_NAME_BYTES:
        raise InvalidParamError(f"A key's name may have {MAX_NAME_BYTES} bytes at most")
    if not _is_key(algorithm, key):
        raise BadJsonError("A key must be a string, or an object with a key and signatures")
    check_canonical(key)
    body = encode_canonical(key)
    if len(body) > MAX_BYTES:
        raise InvalidParamError(f"A key may have {MAX_BYTES} bytes at most")
    return OneTimeKey(algorithm, key_id, body)


def _is_key(algorithm: str, key: Any) -> bool:
    """Whether it has the form of a key; whoever claims it checks its signature."""
    if isinstance(key, str):
        return not algorithm.startswith(_SIGNED)
    return (
        isinstance(key, dict)
        and isinstance(key.get("key"), str)
        and isinstance(key.get("signatures", {}), dict)
        and (not algorithm.startswith(_SIGNED) or bool(key.get("signatures")))
    )
