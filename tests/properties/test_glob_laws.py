"""Globs against the regular expressions that we refuse to use in production."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from homeserver.domain.shared.glob import glob, glob_words, wildcard
from homeserver.domain.shared.paths import format_path, parse_path

PATTERNS = st.text("abAB_ -*?", max_size=8)
VALUES = st.text("abAB_ -*?", max_size=14)


def regex(pattern: str, question_mark: str = ".") -> str:
    """The oracle's form of a glob."""
    special = {"*": ".*", "?": question_mark}
    return "".join(special.get(char) or re.escape(char) for char in pattern)


@given(PATTERNS, VALUES)
def test_glob_agrees_with_a_regex(pattern: str, value: str) -> None:
    expected = re.fullmatch(regex(pattern), value, re.DOTALL | re.IGNORECASE)
    assert glob(pattern)(value) is bool(expected)


@given(PATTERNS, VALUES)
def test_wildcard_agrees_with_a_regex(pattern: str, value: str) -> None:
    expected = re.fullmatch(regex(pattern, r"\?"), value, re.DOTALL)
    assert wildcard(pattern)(value) is bool(expected)


@given(PATTERNS, VALUES)
def test_glob_words_agrees_with_a_regex(pattern: str, value: str) -> None:
    bounded = rf"(?<![A-Za-z0-9_]){regex(pattern)}(?![A-Za-z0-9_])"
    expected = re.search(bounded, value, re.DOTALL | re.IGNORECASE)
    assert glob_words(pattern)(value) is bool(expected)


@given(st.lists(st.text("ab.\\", max_size=5), min_size=1, max_size=4))
def test_a_formatted_path_parses_back(names: list[str]) -> None:
    assert parse_path(format_path(tuple(names))) == tuple(names)
