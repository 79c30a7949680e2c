"""Objects that devices and users have signed, and their signatures by key.

Specification: appendices, "Signing JSON"; Client-Server API, "Cross-signing".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from homeserver.domain.events.signing import Verifier, verify_json
from homeserver.domain.shared.canonical_json import check_canonical, encode_canonical
from homeserver.domain.shared.errors import BadJsonError, InvalidParamError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from homeserver.domain.shared.json import JsonObject

ED25519: Final = "ed25519:"
MAX_NAME_BYTES: Final = 255
"""Bytes of a key's name, and of a signature."""
NOT_SIGNED: Final = ("signatures", "unsigned")

ReadKey = Callable[[str], Verifier]
"""Reads a public key in unpadded Base64; ValueError where it is none."""


class Signature(NamedTuple):
    """One signature: `name` is `algorithm:key`, `text` unpadded Base64."""

    user_id: str
    name: str
    text: str


def is_signed_by(value: JsonObject, user_id: str, name: str, key: Verifier) -> bool:
    """Whether a user's key of this name (`ed25519:…`) signed the object."""
    return verify_json(value, user_id, {name: key})


def signatures_of(value: JsonObject) -> Iterator[Signature]:
    """The signatures of an object. Raises BadJsonError for another shape than the due one."""
    by_user = value.get("signatures", {})
    if not isinstance(by_user, dict):
        raise BadJsonError("signatures must be an object")
    for user_id, by_name in by_user.items():
        if not isinstance(by_name, dict):
            raise BadJsonError("The signatures of a user must be an object")
        for name, text in by_name.items():
            if not isinstance(text, str):
                raise BadJsonError("A signature must be a string")
            if max(_size(name), _size(text)) > MAX_NAME_BYTES:
                raise InvalidParamError(f"A signature may have {MAX_NAME_BYTES} bytes at most")
            yield Signature(user_id, name, text)


def body_of(value: JsonObject, most: int) -> bytes:
    """An object as it is kept, canonical JSON without `unsigned`.

    Raises BadJsonError for what canonical JSON cannot hold, InvalidParamError for more bytes.
    """
    kept = {name: part for name, part in value.items() if name != "unsigned"}
    check_canonical(kept)
    body = encode_canonical(kept)
    if len(body) > most:
        raise InvalidParamError(f"A key may have {most} bytes at most")
    return body


def says_the_same(one: JsonObject, other: JsonObject) -> bool:
    """Whether two objects are the same but for their signatures."""
    return _signed(one) == _signed(other)


def with_signatures(value: JsonObject, more: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """An object with further signatures: user id → name → signature."""
    merged = {user_id: dict(by_name) for user_id, by_name in value.get("signatures", {}).items()}
    for user_id, by_name in more.items():
        merged.setdefault(user_id, {}).update(by_name)
    return {**value, "signatures": merged} if merged else dict(value)


def _signed(value: JsonObject) -> bytes:
    check_canonical(dict(value))
    return encode_canonical({k: v for k, v in value.items() if k not in NOT_SIGNED})


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))
