"""What the store packs it gives back, to the byte."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeserver.domain.events.build import build_event
from homeserver.domain.events.client_format import client_event, client_event_bytes
from homeserver.domain.events.redacted import redacted_event
from homeserver.domain.shared.canonical_json import decode_object, encode_canonical
from homeserver.infrastructure.sql.event_codec import (
    PACKED,
    PLAIN,
    PURGED,
    decode_event,
    encode_event,
)
from tests.properties.strategies import build_arguments, objects

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event


def _stored(event: Event) -> Event:
    return decode_event(event.event_id, event.room_id, *encode_event(event))


def _with(event: Event, **keys: Any) -> Event:
    return replace(event, json=encode_canonical({**decode_object(event.json), **keys}))


@given(build_arguments())
def test_an_event_is_stored_packed_and_read_back(arguments: dict[str, Any]) -> None:
    event = build_event(**arguments)
    assert encode_event(event)[0] == PACKED
    stored = _stored(event)
    for name in event.__dataclass_fields__:
        assert getattr(stored, name) == getattr(event, name), name
    assert (stored, stored.membership, stored.is_state) == (
        event,
        event.membership,
        event.is_state,
    )


@given(build_arguments(), st.booleans())
def test_clients_get_the_same_from_the_store(arguments: dict[str, Any], with_room: bool) -> None:
    event = build_event(**arguments)
    unsigned = {"membership": "join"}
    shown = client_event_bytes(_stored(event), with_room_id=with_room, unsigned=unsigned)
    assert decode_object(shown) == client_event(event, with_room_id=with_room, unsigned=unsigned)


@given(build_arguments())
def test_a_stripped_event_is_read_back(arguments: dict[str, Any]) -> None:
    event = redacted_event(build_event(**arguments), arguments["version"])
    assert _stored(event) == event
    assert _stored(event).content == event.content


@given(build_arguments(), objects)
def test_signatures_are_packed_and_unknown_keys_are_kept(
    arguments: dict[str, Any], other: dict[str, Any]
) -> None:
    event = build_event(**arguments)
    signed = _with(event, signatures=other)
    assert encode_event(signed)[0] == PACKED
    assert _stored(signed).json == signed.json
    odd = _with(event, origin="example.org", prev_state=[])
    assert encode_event(odd)[0] == PLAIN
    assert _stored(odd).json == odd.json


@given(build_arguments(), st.sampled_from([{}, {"sha256": "?"}, {"sha256": "AA", "x": "y"}]))
def test_odd_hashes_are_kept(arguments: dict[str, Any], hashes: dict[str, str]) -> None:
    odd = _with(build_event(**arguments), hashes=hashes)
    assert encode_event(odd)[0] == PLAIN
    assert _stored(odd).json == odd.json


@given(build_arguments(), st.text(min_size=300, max_size=3000))
def test_long_contents_are_deflated(arguments: dict[str, Any], text: str) -> None:
    event = build_event(**{**arguments, "content": {"body": text, "same": "same" * 200}})
    codec, body = encode_event(event)
    assert codec == PACKED
    assert len(body) < len(event.json)
    assert _stored(event).content == event.content


@given(build_arguments())
def test_a_stored_event_can_be_replaced(arguments: dict[str, Any]) -> None:
    stored = _stored(build_event(**arguments))
    copy = replace(stored, json=b"{}")
    assert (copy.json, copy.content, copy.raw_content) == (b"{}", stored.content, None)
    assert copy != stored


def test_of_a_purged_event_nothing_is_read_but_its_id() -> None:
    event = decode_event("$x", "!x", PURGED, b"")
    assert (event.event_id, event.room_id, event.json) == ("$x", "!x", b"")
    assert (event.type, event.sender, event.content, event.state_key) == ("", "", {}, None)


def test_a_newer_codec_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown codec 99"):
        decode_event("$x", "!x", 99, b"")
