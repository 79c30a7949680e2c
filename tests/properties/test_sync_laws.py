"""Vectors, tokens and positions: the laws that sync relies on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeserver.domain.shared.errors import InvalidParamError
from homeserver.domain.sync.position import (
    RoomPoint,
    RoomPosition,
    decode_position,
    encode_position,
)
from homeserver.domain.sync.token import SyncToken, decode_token, encode_token
from homeserver.domain.sync.vector import Vector

U64 = st.integers(0, 2**64 - 1)
POSITIONS = st.integers(0, 5) | st.integers(0, 2**63 - 1)
VECTORS = st.builds(Vector, st.dictionaries(st.integers(0, 4) | U64, POSITIONS, max_size=6))
GENERATIONS = st.binary(min_size=8, max_size=8)
PAIRS = st.tuples(U64, U64)
TOKENS = st.builds(SyncToken, VECTORS, GENERATIONS, U64, PAIRS, PAIRS, st.just(0) | U64)
PLACES = st.builds(RoomPosition, st.integers(0, 3), st.integers(-3, 0))


@given(VECTORS, VECTORS, VECTORS)
def test_merge_is_the_least_upper_bound(a: Vector, b: Vector, c: Vector) -> None:
    merged = a.merge(b)
    assert merged >= a
    assert merged >= b
    assert merged == b.merge(a)
    assert (c >= merged) == (c >= a and c >= b)


@given(VECTORS, VECTORS)
def test_order_is_antisymmetric_and_equality_is_by_content(a: Vector, b: Vector) -> None:
    assert (a >= b >= a) == (a == b)
    assert a != b or hash(a) == hash(b)


@given(VECTORS, st.integers(0, 4), st.integers(1, 9))
def test_an_advanced_vector_covers_just_that_more(vector: Vector, slot: int, step: int) -> None:
    target = vector[slot] + step
    moved = vector.advance(slot, target)
    assert moved >= vector
    assert moved.covers(slot, target)
    assert not moved.covers(slot, target + 1)
    assert not vector >= moved


@given(TOKENS)
def test_a_token_reads_back(token: SyncToken) -> None:
    read = decode_token(encode_token(token), user=token.user, generation=token.generation)
    assert read == token


@given(TOKENS, st.data())
def test_E6_a_token_with_one_character_changed_is_refused(
    token: SyncToken, data: st.DataObject
) -> None:
    text = encode_token(token)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("ABCxyz019-_=+/ ").filter(lambda char: char != text[at]))
    with pytest.raises(InvalidParamError):
        decode_token(
            text[:at] + other + text[at + 1 :], user=token.user, generation=token.generation
        )


@given(st.text() | st.text("s1_ABC-=").map("s1_".__add__))
def test_E6_any_text_is_refused_and_nothing_worse(text: str) -> None:
    with pytest.raises(InvalidParamError):
        decode_token(text, user=1, generation=b"12345678")


@given(PLACES, st.booleans())
def test_a_point_reads_back(position: RoomPosition, after: bool) -> None:
    point = RoomPoint(position, after)
    assert decode_position(encode_position(point)) == point


@given(st.lists(PLACES, unique=True), PLACES, st.booleans())
def test_a_point_parts_events_in_two_with_the_older_behind(
    events: list[RoomPosition], position: RoomPosition, after: bool
) -> None:
    point = RoomPoint(position, after)
    behind = [event for event in sorted(events) if point.behind(event)]
    assert sorted(events)[: len(behind)] == behind
    if position in events:
        assert (position in behind) is after
