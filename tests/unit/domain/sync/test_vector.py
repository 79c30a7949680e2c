"""The certified vector."""

from __future__ import annotations

import pytest

from homeserver.domain.shared.errors import InvalidParamError
from homeserver.domain.sync.vector import Vector
from homeserver.domain.sync.wire import Reader, pack_number


def test_a_missing_slot_counts_as_zero() -> None:
    vector = Vector({1: 5, 2: 0})
    assert vector[2] == vector[3] == 0
    assert vector.covers(3, 0)
    assert not vector.covers(3, 1)
    assert vector == Vector({1: 5})
    assert list(vector) == [(1, 5)]


def test_vectors_may_be_unordered() -> None:
    left, right = Vector({1: 5, 2: 1}), Vector({1: 4, 2: 2})
    assert not left >= right
    assert not left <= right
    assert left.merge(right) == Vector({1: 5, 2: 2})


def test_advance_moves_one_slot_and_leaves_the_original() -> None:
    vector = Vector({1: 5})
    assert vector.advance(2, 3) == Vector({1: 5, 2: 3})
    assert vector == Vector({1: 5})


def test_advance_never_goes_back() -> None:
    with pytest.raises(ValueError, match="cannot go back"):
        Vector({1: 5}).advance(1, 4)


@pytest.mark.parametrize(
    "numbers",
    [[2, 1, 5, 1, 6], [2, 2, 5, 1, 6], [1, 1, 0], [2, 1, 5], [1]],
    ids=["slot twice", "out of order", "zero", "cut", "empty"],
)
def test_only_the_one_packed_form_is_read(numbers: list[int]) -> None:
    with pytest.raises(InvalidParamError):
        Vector.read(Reader(b"".join(map(pack_number, numbers)), "vector"))


@pytest.mark.parametrize("data", [b"\x02\x00\x01", b"\x01\x00", b"\x09" + b"\x01" * 9, b"\x02\x01"])
def test_a_number_has_one_form(data: bytes) -> None:
    with pytest.raises(InvalidParamError):
        Reader(data, "number").number()
