"""Pauses grow to an hour, and no further."""

from __future__ import annotations

import pytest

from homeserver.domain.push.retry import LONGEST_MS, pause_ms


def test_pauses_double_up_to_an_hour() -> None:
    assert [pause_ms(n, 0) for n in (1, 2, 3, 12, 13, 1000)] == [
        *(1000, 2000, 4000, 2_048_000),
        *(LONGEST_MS, LONGEST_MS),
    ]


def test_chance_takes_off_up_to_a_quarter() -> None:
    assert pause_ms(1, 1) == 750
    assert pause_ms(40, 0.5) == LONGEST_MS * 7 // 8


@pytest.mark.parametrize(
    ("asked", "pause"), [(0.5, 1000), (30, 30_000), (1e12, LONGEST_MS), (-5, 1000)]
)
def test_a_gateway_may_ask_for_more_time_but_not_for_ever(asked: float, pause: int) -> None:
    assert pause_ms(1, 0, asked) == pause
