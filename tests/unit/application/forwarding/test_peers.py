"""What one worker knows of another's clock is never ahead of it."""

from __future__ import annotations

import random

from homeserver.application.forwarding.peers import (
    DRIFT_SECONDS,
    GREET_SECONDS,
    SILENT_SECONDS,
    Peers,
)
from tests.support.watch import Watch


def test_what_is_computed_is_never_ahead_and_as_good_as_the_quickest_answer() -> None:
    watch, dice = Watch(), random.Random(3)
    peers = Peers(watch)
    theirs_less_ours, quickest = -740.0, 9.0
    for _ in range(200):
        watch.seconds += dice.random() * 0.2
        way = dice.random()
        quickest = min(quickest, way)
        peers.heard("b-1", watch.seconds - way + theirs_less_ours)
        found = peers.time_at("b-1")
        assert found is not None
        behind = watch.seconds + theirs_less_ours - found
        assert -1e-6 < behind < quickest + 1e-6


def test_an_old_comparison_gives_way_to_a_new_one() -> None:
    watch = Watch()
    peers = Peers(watch)
    peers.heard("b-1", 50.0)
    watch.seconds += DRIFT_SECONDS + 1
    peers.heard("b-1", 50.0 + DRIFT_SECONDS)
    assert peers.time_at("b-1") == 50.0 + DRIFT_SECONDS


def test_who_is_silent_or_takes_no_more_or_does_not_answer_is_unknown() -> None:
    watch = Watch()
    peers = Peers(watch)
    assert peers.time_at("b-1") is None
    peers.heard("b-1", 5.0)
    assert peers.was_heard("b-1", since=999.0)
    assert not peers.was_heard("b-1", since=1000.0)
    watch.seconds += SILENT_SECONDS + 0.1
    assert peers.time_at("b-1") is None
    peers.heard("b-1", 15.2)
    assert peers.time_at("b-1") is not None
    peers.heard("b-1", None)
    assert peers.time_at("b-1") is None
    peers.heard("b-1", 16.0)
    peers.forget("b-1")
    assert not peers.was_heard("b-1", since=0.0)


def test_greetings_are_not_repeated_at_once() -> None:
    watch = Watch()
    peers = Peers(watch)
    assert peers.may_greet("b-1")
    assert not peers.may_greet("b-1")
    assert peers.may_greet("c-1")
    watch.seconds += GREET_SECONDS
    assert peers.may_greet("b-1")
