"""Laws of events: ids, redaction, building and parsing, in every room version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from homeserver.domain.events.build import build_event
from homeserver.domain.events.hashes import (
    content_hash,
    event_id_bytes,
    event_id_from_bytes,
    event_id_of,
    has_valid_content_hash,
)
from homeserver.domain.events.parse import load_event, parse_event
from homeserver.domain.events.redacted import redacted_event
from homeserver.domain.events.redaction import redact
from homeserver.domain.events.signing import sign_event, verify_event
from homeserver.domain.shared.canonical_json import decode_object
from homeserver.infrastructure.crypto.ed25519 import Ed25519Signer
from tests.properties.strategies import build_arguments, objects, versions

if TYPE_CHECKING:
    from homeserver.domain.rooms.versions import RoomVersion

SIGNER = Ed25519Signer.from_seed("a_AbCd", bytes(range(32)))
KEYS = {SIGNER.key_id: SIGNER.verifier}

pdus = st.fixed_dictionaries(
    {"type": st.sampled_from(["m.room.create", "m.room.member", "m.room.redaction", "x"])},
    optional={
        "content": objects,
        "unsigned": objects,
        "signatures": objects,
        "hashes": objects,
        "redacts": st.text(max_size=5),
        "origin": st.text(max_size=5),
    },
)


@given(pdus, versions)
def test_redacting_twice_is_redacting_once(pdu: dict[str, Any], version: RoomVersion) -> None:
    once = redact(pdu, version)
    assert redact(once, version) == once


@given(pdus, versions, objects)
def test_the_id_ignores_redaction_signatures_and_unsigned(
    pdu: dict[str, Any], version: RoomVersion, other: dict[str, Any]
) -> None:
    event_id = event_id_of(pdu, version)
    assert event_id_of(redact(pdu, version), version) == event_id
    assert event_id_of({**pdu, "signatures": other}, version) == event_id
    assert event_id_of({**pdu, "unsigned": other}, version) == event_id


@given(pdus, objects)
def test_the_content_hash_ignores_hashes_signatures_and_unsigned(
    pdu: dict[str, Any], other: dict[str, Any]
) -> None:
    changed = {**pdu, "hashes": other, "signatures": other, "unsigned": other}
    assert content_hash(changed) == content_hash(pdu)
    assert content_hash({**pdu, "content": {"changed": other}}) != content_hash(pdu)


@given(build_arguments())
def test_what_is_built_parses_to_the_same_event(arguments: dict[str, Any]) -> None:
    event = build_event(**arguments)
    version = arguments["version"]
    assert parse_event(event.json, version) == event
    assert load_event(event.event_id, event.json, event.room_id, version) == event
    pdu = decode_object(event.json)
    assert event.event_id == event_id_of(pdu, version)
    assert has_valid_content_hash(pdu)


@given(build_arguments())
def test_signing_and_redacting_keep_the_id_and_the_signature(arguments: dict[str, Any]) -> None:
    version = arguments["version"]
    event = build_event(**arguments)
    signed = sign_event(event, version, "example.org", SIGNER)
    redacted = redacted_event(signed, version)
    assert parse_event(signed.json, version) == signed
    assert parse_event(redacted.json, version) == redacted
    assert event.event_id == signed.event_id == redacted.event_id
    assert verify_event(signed, version, "example.org", KEYS)
    assert verify_event(redacted, version, "example.org", KEYS)
    assert redacted_event(redacted, version) == redacted


@given(st.binary(min_size=32, max_size=32))
def test_an_event_id_and_its_bytes_are_one(digest: bytes) -> None:
    assert event_id_bytes(event_id_from_bytes(digest)) == digest
