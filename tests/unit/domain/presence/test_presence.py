"""Several words about one user become one, whoever speaks first."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from homeserver.domain.presence.presence import (
    NOTHING,
    OFFLINE,
    ONLINE,
    STATES,
    UNAVAILABLE,
    Said,
    Word,
    shown,
    together,
)

NOW = 10_000_000
SAID = st.builds(Said, st.integers(1, 3), st.sampled_from(STATES), st.integers(NOW - 9, NOW))
WORDS = st.builds(Word, st.lists(SAID, max_size=3).map(tuple), st.integers(NOW - 9, NOW))


@given(st.lists(WORDS, max_size=3))
def test_what_is_shown_does_not_depend_on_who_spoke_first(words: list[Word]) -> None:
    distinct = [
        Word(
            tuple(said._replace(at_ms=10 * said.at_ms + n) for said in word.devices),
            word.active_ms,
            f"status {n}",
            n + 1,
        )
        for n, word in enumerate(words)
    ]
    once = [
        w._replace(devices=tuple({s.device_nid: s for s in w.devices}.values())) for w in distinct
    ]
    assert len({shown(together(some), NOW) for some in permutations(once)}) == 1


@given(WORDS)
def test_a_word_and_silence_are_shown_as_that_word(word: Word) -> None:
    assert shown(together((NOTHING, word)), NOW).state == shown(together((word,)), NOW).state


def test_the_most_present_device_counts() -> None:
    words = [Word((Said(n, state, 1),), NOW) for n, state in enumerate(reversed(STATES))]
    assert shown(together(words), NOW).state == ONLINE
    assert shown(together(words[:2]), NOW).state == UNAVAILABLE
    assert shown(together(()), NOW).state == OFFLINE


def test_a_device_known_twice_is_as_it_said_last() -> None:
    words = [Word((Said(1, ONLINE, 1),), NOW), Word((Said(1, OFFLINE, 2),), NOW)]
    assert shown(together(words), NOW).state == OFFLINE


def test_the_newest_status_counts() -> None:
    old = Word(status_msg="old", status_ms=1)
    assert together((Word(status_msg="new", status_ms=2), old)).status_msg == "new"
    assert together((Word(status_msg=None, status_ms=2), old)).status_msg is None


def test_who_does_nothing_is_no_longer_active_and_then_idle() -> None:
    here = (Said(1, ONLINE, 1),)
    seen = [shown(Word(here, NOW - seconds * 1000), NOW)[:2] for seconds in (1, 61, 301)]
    assert seen == [(ONLINE, True), (ONLINE, False), (UNAVAILABLE, False)]
    assert shown(Word((), NOW), NOW).currently_active is False
