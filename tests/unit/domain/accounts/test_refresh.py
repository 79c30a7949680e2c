"""Refresh-token families."""

from __future__ import annotations

from homeserver.domain.accounts.refresh import (
    Refused,
    Rotated,
    TokenFamily,
    refresh,
    use_access_token,
)


def refreshed(family: TokenFamily, number: int) -> Rotated:
    step = refresh(family, number)
    assert isinstance(step, Rotated)
    return step


def test_a_refresh_issues_the_next_pair() -> None:
    first = refreshed(TokenFamily(), 1)
    assert first.number == 2
    assert refreshed(first.family, 2).number == 3


def test_D5_a_lost_answer_may_be_asked_for_again() -> None:
    first = refreshed(TokenFamily(), 1)
    again = refreshed(first.family, 1)
    assert again.number == 3
    assert again.family.accepts(2)  # the answer may have come after all
    assert again.family.accepts(3)


def test_D5_after_the_new_refresh_token_is_used_the_old_one_revokes_the_family() -> None:
    second = refreshed(refreshed(TokenFamily(), 1).family, 2)
    step = refresh(second.family, 1)
    assert isinstance(step, Refused)
    assert step.family.revoked
    assert not step.family.accepts(second.number)
    assert isinstance(refresh(step.family, second.number), Refused)


def test_D5_after_the_new_access_token_is_used_the_old_refresh_token_revokes_the_family() -> None:
    used = use_access_token(refreshed(TokenFamily(), 1).family, 2)
    assert isinstance(used, TokenFamily)
    step = refresh(used, 1)
    assert isinstance(step, Refused)
    assert step.family.revoked


def test_of_two_answers_to_one_refresh_the_first_used_wins() -> None:
    twice = refreshed(refreshed(TokenFamily(), 1).family, 1)
    used = use_access_token(twice.family, 2)
    assert isinstance(used, TokenFamily)
    assert not used.accepts(3)
    assert isinstance(refresh(used, 3), Refused)


def test_an_old_access_token_is_refused_without_harm() -> None:
    used = use_access_token(refreshed(TokenFamily(), 1).family, 2)
    assert isinstance(used, TokenFamily)
    step = use_access_token(used, 1)
    assert step == Refused(used)
    assert used.accepts(2)


def test_the_old_access_token_stays_good_until_the_new_pair_is_used() -> None:
    used = use_access_token(TokenFamily(), 1)
    assert isinstance(used, TokenFamily)
    rotated = refreshed(used, 1).family
    assert use_access_token(rotated, 1) == rotated


def test_a_pair_that_was_never_issued_is_refused() -> None:
    assert isinstance(use_access_token(TokenFamily(), 2), Refused)
