"""Signing and verifying JSON objects and events.

Specification: appendices, "Signing JSON"; server-server API, "Signing Events". The
cryptography itself is an adapter behind `Signer` and `Verifier`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from homeserver.domain.events.redaction import redact
from homeserver.domain.shared.base64 import decode_base64, encode_base64
from homeserver.domain.shared.canonical_json import decode_object, encode_canonical

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.versions import RoomVersion
    from homeserver.domain.shared.json import JsonObject


class Signer(Protocol):
    """A private key of this server."""

    @property
    def key_id(self) -> str:
        """Algorithm and version, `ed25519:a_XXXX`."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the detached signature."""
        ...


class Verifier(Protocol):
    """A public key, of whatever server."""

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether this key made the signature; False too for a malformed one."""
        ...


def sign_json(value: JsonObject, server_name: str, signer: Signer) -> dict[str, Any]:
    """Return the object with our signature added to those that it has."""
    signature = encode_base64(signer.sign(_signed_bytes(value)))
    return {**value, "signatures": _with_signature(value, server_name, signer.key_id, signature)}


def verify_json(value: JsonObject, server_name: str, keys: Mapping[str, Verifier]) -> bool:
    """Whether the server signed this object.

    `keys` holds the server's keys by key id, those alone that were valid at the time.
    Signatures by keys not in it are passed over; at least one has to be by a known key,
    and all that are have to be right.
    """
    known = [(keys[k], s) for k, s in _signatures_of(value, server_name).items() if k in keys]
    if not known:
        return False
    message = _signed_bytes(value)
    return all(_is_signature(key, message, signature) for key, signature in known)


def is_signed_with(value: JsonObject, key: Verifier) -> bool:
    """Whether any signature of this object, whoever gave it, is by a key."""
    signatures = value.get("signatures")
    servers = signatures if isinstance(signatures, Mapping) else {}
    message = _signed_bytes(value)
    return any(
        _is_signature(key, message, signature)
        for server_name in servers
        for signature in _signatures_of(value, server_name).values()
    )


def signing_key_ids(value: JsonObject, server_name: str) -> list[str]:
    """List the ed25519 key ids under which the server signed: the keys to look up."""
    return [k for k in _signatures_of(value, server_name) if k.startswith("ed25519:")]


def sign_pdu(
    pdu: JsonObject, version: RoomVersion, server_name: str, signer: Signer
) -> dict[str, Any]:
    """Return the PDU, which has its content hash already, with our signature added."""
    signed = sign_json(redact(pdu, version), server_name, signer)
    return {**pdu, "signatures": signed["signatures"]}


def verify_pdu(
    pdu: JsonObject, version: RoomVersion, server_name: str, keys: Mapping[str, Verifier]
) -> bool:
    """Whether the server signed this PDU; full and redacted copies answer alike."""
    return verify_json(redact(pdu, version), server_name, keys)


def sign_event(event: Event, version: RoomVersion, server_name: str, signer: Signer) -> Event:
    """Return the event with our signature in its JSON; its id stays the same."""
    pdu = sign_pdu(decode_object(event.json), version, server_name, signer)
    return replace(event, json=encode_canonical(pdu))


def verify_event(
    event: Event, version: RoomVersion, server_name: str, keys: Mapping[str, Verifier]
) -> bool:
    """Whether the server signed this event."""
    return verify_pdu(decode_object(event.json), version, server_name, keys)


def _signed_bytes(value: JsonObject) -> bytes:
    covered = {k: v for k, v in value.items() if k not in ("signatures", "unsigned")}
    return encode_canonical(covered)


def _signatures_of(value: JsonObject, server_name: str) -> Mapping[str, Any]:
    """Take one server's signatures, none where remote data has another shape."""
    signatures = value.get("signatures")
    by_key = signatures.get(server_name) if isinstance(signatures, Mapping) else None
    return by_key if isinstance(by_key, Mapping) else {}


def _with_signature(
    value: JsonObject, server_name: str, key_id: str, signature: str
) -> dict[str, Any]:
    others = value.get("signatures") or {}
    return {**others, server_name: {**_signatures_of(value, server_name), key_id: signature}}


def _is_signature(key: Verifier, message: bytes, signature: object) -> bool:
    if not isinstance(signature, str):
        return False
    try:
        raw = decode_base64(signature)
    except ValueError:
        return False
    return key.verify(message, raw)
