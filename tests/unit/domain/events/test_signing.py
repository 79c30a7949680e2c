"""Signatures, with the test vectors of the appendices ("Cryptographic Test Vectors")."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from homeserver.domain.events.hashes import content_hash
from homeserver.domain.events.redacted import redacted_event
from homeserver.domain.events.signing import (
    sign_event,
    sign_json,
    sign_pdu,
    signing_key_ids,
    verify_event,
    verify_json,
    verify_pdu,
)
from homeserver.domain.rooms.versions import ROOM_VERSIONS
from homeserver.domain.shared.base64 import decode_base64
from homeserver.infrastructure.crypto.ed25519 import Ed25519Signer
from tests.unit.domain.events.samples import message
from tests.unit.domain.events.test_hashes import MINIMAL, REDACTABLE

# The vectors' events have `origin`, which is protected until version 10.
V10 = ROOM_VERSIONS["10"]
SIGNER = Ed25519Signer.from_seed("1", decode_base64("YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1"))
OTHER = Ed25519Signer.from_seed("2", bytes(32))
KEYS = {"ed25519:1": SIGNER.verifier}

JSON_VECTORS = [
    ({}, "K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ"),
    (
        {"one": 1, "two": "Two"},
        "KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw",
    ),
]
EVENT_VECTORS = [
    (
        MINIMAL,
        "KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg",
    ),
    (
        REDACTABLE,
        "Wm+VzmOUOz08Ds+0NTWb1d4CZrVsJSikkeRxh6aCcUwu6pNC78FunoD7KNWzqFn241eYHYMGCA5McEiVPdhzBA",
    ),
]


@pytest.mark.parametrize(("value", "signature"), JSON_VECTORS)
def test_json_vectors_of_the_specification(value: dict[str, Any], signature: str) -> None:
    signed = sign_json(value, "domain", SIGNER)
    assert signed == {**value, "signatures": {"domain": {"ed25519:1": signature}}}
    assert verify_json(signed, "domain", KEYS)


@pytest.mark.parametrize(("pdu", "signature"), EVENT_VECTORS)
def test_event_vectors_of_the_specification(pdu: dict[str, Any], signature: str) -> None:
    hashed = {**pdu, "hashes": {"sha256": content_hash(pdu)}}
    signed = sign_pdu(hashed, V10, "domain", SIGNER)
    assert signed == {**hashed, "signatures": {"domain": {"ed25519:1": signature}}}
    assert verify_pdu(signed, V10, "domain", KEYS)


def test_unsigned_and_other_signatures_are_not_covered() -> None:
    signed = sign_json({"a": 1, "unsigned": {"age": 1}}, "domain", SIGNER)
    twice = sign_json(sign_json(signed, "domain", OTHER), "elsewhere", OTHER)
    assert twice["unsigned"] == {"age": 1}
    assert set(twice["signatures"]) == {"domain", "elsewhere"}
    assert set(twice["signatures"]["domain"]) == {"ed25519:1", "ed25519:2"}
    assert verify_json({**twice, "unsigned": {}}, "domain", KEYS)
    assert verify_json(twice, "elsewhere", {"ed25519:2": OTHER.verifier})


def test_C3_what_the_server_did_not_sign_is_refused() -> None:
    signed = sign_json({"a": 1}, "domain", SIGNER)
    assert not verify_json({**signed, "a": 2}, "domain", KEYS)
    assert not verify_json(signed, "elsewhere", KEYS)
    assert not verify_json(signed, "domain", {})
    assert not verify_json(signed, "domain", {"ed25519:1": OTHER.verifier})


def test_one_wrong_signature_by_a_known_key_spoils_it_an_unknown_key_does_not() -> None:
    signed = sign_json({"a": 1}, "domain", SIGNER)
    by_key = signed["signatures"]["domain"]
    by_key["ed25519:2"] = by_key["ed25519:1"]
    assert verify_json(signed, "domain", KEYS)
    assert not verify_json(signed, "domain", KEYS | {"ed25519:2": OTHER.verifier})


@pytest.mark.parametrize(
    "signatures",
    [
        None,
        [],
        "x",
        {},
        {"domain": None},
        {"domain": []},
        {"domain": {"ed25519:1": None}},
        {"domain": {"ed25519:1": "%%%"}},
        {"domain": {"ed25519:1": "Zm9v"}},
        {"domain": {"ed25519:1": ""}},
    ],
)
def test_C3_malformed_signatures_are_refused(signatures: Any) -> None:
    assert not verify_json({"a": 1, "signatures": signatures}, "domain", KEYS)


def test_the_keys_to_look_up_are_those_of_known_algorithms() -> None:
    value = {"signatures": {"domain": {"ed25519:1": "x", "rsa:1": "x"}}}
    assert signing_key_ids(value, "domain") == ["ed25519:1"]
    assert signing_key_ids(value, "elsewhere") == []


@pytest.mark.parametrize("version", list(ROOM_VERSIONS))
def test_an_event_is_signed_in_full_and_in_redacted_form(version: str) -> None:
    rules = ROOM_VERSIONS[version]
    signed = sign_event(message(version), rules, "example.org", SIGNER)
    assert signed.event_id == message(version).event_id
    assert verify_event(signed, rules, "example.org", KEYS)
    assert verify_event(redacted_event(signed, rules), rules, "example.org", KEYS)
    assert not verify_event(message(version), rules, "example.org", KEYS)
    forged = msgspec.json.decode(signed.json) | {"depth": 8}
    assert not verify_pdu(forged, rules, "example.org", KEYS)
