"""Positions in a room and the points between them."""

from __future__ import annotations

import pytest

from homeserver.domain.shared.errors import InvalidParamError
from homeserver.domain.sync.position import (
    RoomPoint,
    RoomPosition,
    decode_position,
    encode_position,
    just_after,
    just_before,
)


def test_history_behind_an_event_is_older_than_it_and_newer_than_the_one_before() -> None:
    ordered = [RoomPosition(4), RoomPosition(5, -2), RoomPosition(5, -1), RoomPosition(5)]
    shuffled = [ordered[2], ordered[0], ordered[3], ordered[1]]
    assert sorted(shuffled) == ordered


def test_paging_back_from_before_an_event_meets_history_that_arrived_later() -> None:
    point = just_before(RoomPosition(5))
    assert point.behind(RoomPosition(5, -1))
    assert point.behind(RoomPosition(4))
    assert not point.behind(RoomPosition(5))


def test_paging_forward_from_after_an_event_meets_history_that_arrived_later() -> None:
    point = just_after(RoomPosition(4))
    assert point.behind(RoomPosition(4))
    assert not point.behind(RoomPosition(5, -9))


def test_tokens_read_back() -> None:
    point = RoomPoint(RoomPosition(12, -3), after=True)
    assert encode_position(point) == "t1_12-3a"
    assert decode_position("t1_12-3a") == point
    assert decode_position("t1_0-0b") == just_before(RoomPosition(0))


@pytest.mark.parametrize(
    "text",
    ["", "t1_", "t1_1", "t1_1-1", "t1_1-1c", "t1_01-0b", "t1_1--1b", "t1_1-1b\n", "t2_1-1b",
     "t1_٣-0b", "t1_" + "9" * 19 + "-0b"],
)  # fmt: skip
def test_E6_garbage_is_refused(text: str) -> None:
    with pytest.raises(InvalidParamError):
        decode_position(text)
