"""Globs: what matches, and that no pattern makes them slow."""

from __future__ import annotations

import time

import pytest

from homeserver.domain.shared.glob import fold, glob, glob_words, wildcard

HOSTILE = [
    "*a*a*a*a*b",
    "*?a*a?*a*a*b",
    "a?" * 400 + "b",
    "*" * 2000 + "b",
    "a" * 3000 + "b",
    "a" * 3000,
]


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("lunc?*", "Lunch plans", True),
        ("lunc?*", "LUNCH", True),
        ("lunc?*", " lunch", False),
        ("lunc?*", "lunc", False),
        ("", "", True),
        ("", "x", False),
        ("*", "", True),
        ("*", "a\nb", True),
        ("a*a", "a", False),
        ("a*b*c", "axxbyyc", True),
        ("a*b*c", "axxcyyb", False),
        ("[ab].", "a.", False),
        ("?", "İ", True),
        ("strasse", "STRASSE", True),
    ],
)
def test_glob_matches_the_whole_value(pattern: str, value: str, expected: bool) -> None:
    assert glob(pattern)(value) is expected


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("ex*ple", "An example event.", True),
        ("ex*ple", "exple", True),
        ("ex*ple", "An exciting triple-whammy", True),
        ("ex*ple", "examples", False),
        ("cake", "pancakes", False),
        ("cake", "Pan-CAKE!", True),
        ("cake", "pancake cake", True),
        ("cake", "cake_", False),
        ("c?ke", "a coke, please", True),
        ("c?ke", "cke", False),
        ("tea", "étea", True),  # é is outside the ASCII sets, so it bounds a word
        ("?", "ab", False),
        ("", "", True),
        ("", "ab", False),
        ("*", "anything", True),
    ],
)
def test_glob_words_matches_between_boundaries(pattern: str, value: str, expected: bool) -> None:
    assert glob_words(pattern)(value) is expected


def test_wildcard_knows_the_star_alone_and_counts_case() -> None:
    assert wildcard("m.room.*")("m.room.message")
    assert not wildcard("m.room.*")("M.room.message")
    assert not wildcard("m.?")("m.a")
    assert wildcard("m.?")("m.?")


def test_fold_keeps_the_length_so_that_one_character_stays_one() -> None:
    assert len(fold("İstanbul ẞ")) == len("İstanbul ẞ")


@pytest.mark.parametrize("pattern", HOSTILE)
@pytest.mark.parametrize("make", [glob, glob_words])
def test_E8_a_hostile_glob_on_64_kib_is_linear(make: object, pattern: str) -> None:
    assert callable(make)
    matches = make(pattern)
    started = time.process_time()
    assert not matches("a" * 65_536)
    assert time.process_time() - started < 0.5
