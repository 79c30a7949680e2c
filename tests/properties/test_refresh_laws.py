"""Refresh families under any use, honest or not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from homeserver.domain.accounts.refresh import (
    Refused,
    Rotated,
    TokenFamily,
    refresh,
    use_access_token,
)

LOST = st.booleans()


@given(st.lists(st.tuples(LOST, st.booleans())))
def test_D5_a_client_that_loses_answers_is_never_logged_out(steps: list[tuple[bool, bool]]) -> None:
    family, held = TokenFamily(), 1
    for lost, calls in steps:
        if calls:
            used = use_access_token(family, held)
            assert isinstance(used, TokenFamily)
            family = used
        step = refresh(family, held)
        assert isinstance(step, Rotated)
        family = step.family
        held = held if lost else step.number


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 8))))
def test_D5_of_all_pairs_older_than_a_used_one_none_is_ever_good_again(
    steps: list[tuple[bool, int]],
) -> None:
    family = TokenFamily()
    for refreshes, number in steps:
        good = family.accepts(number)
        step = refresh(family, number) if refreshes else use_access_token(family, number)
        assert isinstance(step, Refused) is not good
        if good:
            family = step.family if isinstance(step, Rotated) else use(step)
            assert family.used == number
            assert not any(family.accepts(old) for old in range(1, number))


def use(step: object) -> TokenFamily:
    """Narrow the family that a good access token leaves."""
    assert isinstance(step, TokenFamily)
    return step
