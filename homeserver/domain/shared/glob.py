"""Glob matching in linear time (Appendices, "Glob-style matching").

`*` matches zero or more characters, `?` exactly one; there is no escape. Patterns come from
strangers (push rules, server ACLs), so no regular expression is ever made of them. Literals
and patterns with `*` alone go through `str.find`, greedily; a pattern with `?`, and the
word form, run a bit-parallel automaton that takes one step per character of the value and
never goes back.
"""

from __future__ import annotations

import string
from collections.abc import Callable

Matcher = Callable[[str], bool]

_WORD = frozenset(string.ascii_letters + string.digits + "_")
_LONG_WORD = 128  # beyond it, finding a self-similar word again and again costs too much


def fold(text: str) -> str:
    """Text for a comparison without case; it keeps its length, so that `?` stays one character."""
    if text.isascii():
        return text.lower()
    return "".join(_fold_char(char) for char in text)


def _fold_char(char: str) -> str:
    lowered = char.lower()
    return lowered if len(lowered) == 1 else char


def glob(pattern: str) -> Matcher:
    """Return a test whether a whole value matches `pattern` (`*`, `?`, without case)."""
    folded = fold(pattern)
    if "?" in folded:
        automaton = _Automaton(folded)
        return lambda value: automaton.matches(fold(value))
    match = _stars(folded)
    return lambda value: match(fold(value))


def wildcard(pattern: str) -> Matcher:
    """Return a test of a whole value where `*` alone is special and case counts (filters)."""
    return _stars(pattern)


def glob_words(pattern: str) -> Matcher:
    """Return a test whether `pattern` matches some part of a value between word boundaries.

    The form for `content.body` (Client-Server API, "Push rules"): a boundary is an end of
    the value, or next to a character outside `[A-Za-z0-9_]`.
    """
    folded = fold(pattern)
    if "*" in folded or "?" in folded or len(folded) > _LONG_WORD:
        automaton = _Automaton(folded)
        return lambda value: automaton.matches_words(fold(value))
    return lambda value: _has_word(folded, fold(value))


def contains_words(value: str, words: str) -> bool:
    """Whether `words`, in which nothing is special, stand in `value` between boundaries."""
    folded = fold(words)
    if len(folded) > _LONG_WORD:
        return _Automaton(folded, wild=False).matches_words(fold(value))
    return _has_word(folded, fold(value))


def _stars(pattern: str) -> Matcher:
    """Match a pattern of literals between stars: the leftmost find of each suffices."""
    if "*" not in pattern:
        return pattern.__eq__
    head, *inner, tail = pattern.split("*")
    pieces = tuple(piece for piece in inner if piece)
    shortest = len(head) + len(tail)

    def match(value: str) -> bool:
        if len(value) < shortest or not value.startswith(head) or not value.endswith(tail):
            return False
        at, end = len(head), len(value) - len(tail)
        for piece in pieces:
            found = value.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True

    return match


def _has_word(word: str, value: str) -> bool:
    at = value.find(word)
    while at >= 0:
        if _starts_here(value, at) and _ends_here(value, at + len(word)):
            return True
        at = value.find(word, at + 1)
    return False


def _starts_here(value: str, at: int) -> bool:
    return at == 0 or value[at - 1] not in _WORD


def _ends_here(value: str, at: int) -> bool:
    return at == len(value) or value[at] not in _WORD


class _Automaton:
    """All states of a glob at once: bit i is set when i characters of the pattern are matched."""

    __slots__ = ("_accept", "_any", "_loops", "_masks")

    def __init__(self, pattern: str, *, wild: bool = True) -> None:
        self._masks: dict[str, int] = {}
        self._any = 0  # characters that are `?`
        self._loops = 0  # states that a `*` lets stay as they are
        length = 0
        for char in pattern:
            bit = 1 << length
            if wild and char == "*":
                self._loops |= bit
                continue
            if wild and char == "?":
                self._any |= bit
            else:
                self._masks[char] = self._masks.get(char, 0) | bit
            length += 1
        self._accept = 1 << length

    def matches(self, value: str) -> bool:
        states = 1
        for char in value:
            states = self._step(states, char)
            if not states:
                return False
        return bool(states & self._accept)

    def matches_words(self, value: str) -> bool:
        states = 0
        for at, char in enumerate(value):
            if _starts_here(value, at):
                states |= 1
            if states & self._accept and char not in _WORD:
                return True
            states = self._step(states, char)
        if _starts_here(value, len(value)):
            states |= 1
        return bool(states & self._accept)

    def _step(self, states: int, char: str) -> int:
        taken = states & (self._masks.get(char, 0) | self._any)
        return taken << 1 | states & self._loops
