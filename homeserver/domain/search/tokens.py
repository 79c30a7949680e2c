"""Texts as tokens, and queries as what must be among them.

A text becomes a list of tokens in its order:

- a word is one token;
- of a run in a script without blanks (Chinese, Japanese, Korean, Thai …) each character is a
  token, and each pair of neighbours: 会议室 is 会, 会议, 议, 议室, 室;
- an emoji is one token; its skin tone is not counted, and what is joined of several (a
  family) is those. A flag is one.

A query asks for all its words, the last of them as a beginning unless a blank follows, and
for runs as they stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from homeserver.domain.search.characters import pieces
from homeserver.domain.search.encode import EMOJI, GRAM, WORD, encoded, encoded_beginning
from homeserver.domain.search.fold import folded

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_TOKENS: Final = 4096
"""Of one text; a longer one is found by its beginning."""
MAX_TERMS: Final = 32
"""Of one query; what follows is left out."""
MIN_PREFIX: Final = 2
"""Letters; one alone would be the beginning of too much."""


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that a text must have: neighbouring tokens of a run, or one token.

    With `prefix` the one token is the beginning of what the text must have; `exact` is then
    the token of the whole word, which counts more.
    """

    tokens: tuple[str, ...]
    prefix: bool = False
    exact: str = ""


def tokens_of(text: str) -> list[str]:
    """The tokens of a text, `MAX_TOKENS` at most."""
    found: list[str] = []
    for piece in pieces().finditer(folded(text)):
        kind, part = piece.lastgroup, piece.group()
        if kind == "grams":
            found += _grams(part[:MAX_TOKENS])
        else:
            found.append(encoded(WORD if kind == "word" else EMOJI, part))
        if len(found) >= MAX_TOKENS:
            return found[:MAX_TOKENS]
    return found


def terms_of(query: str) -> list[Term]:
    """What a query asks for; nothing where it has neither words nor emoji."""
    text = folded(query)
    terms: dict[Term, None] = {}
    for piece in pieces().finditer(text):
        kind, part = piece.lastgroup, piece.group()
        if kind == "grams":
            term = Term(_pairs(part[:MAX_TERMS]))
        elif kind == "word" and piece.end() == len(text) and len(part) >= MIN_PREFIX:
            beginning = encoded_beginning(WORD, part)
            term = Term((beginning,), prefix=True, exact=encoded(WORD, part))
        else:
            term = Term((encoded(WORD if kind == "word" else EMOJI, part),))
        terms[term] = None
        if len(terms) == MAX_TERMS:
            break
    return list(terms)


def words_of(query: str) -> list[str]:
    """The words of a query as they were typed, for clients to highlight."""
    found = (piece.group() for word in query.split() for piece in pieces().finditer(word))
    return list(dict.fromkeys(found))[:MAX_TERMS]


def _grams(run: str) -> list[str]:
    found = [encoded(GRAM, run[0])]
    for first, second in pairwise(run):
        found += (encoded(GRAM, first + second), encoded(GRAM, second))
    return found


def _pairs(run: str) -> tuple[str, ...]:
    if len(run) == 1:
        return (encoded(GRAM, run),)
    return tuple(encoded(GRAM, a + b) for a, b in pairwise(run))


def times(term: Term, tokens: Sequence[str]) -> float:
    """How often a text has what a term asks for; a longer word than asked for counts half."""
    if term.prefix:
        beginning, exact = term.tokens[0], term.exact
        found = (1.0 if t == exact else 0.5 for t in tokens if t.startswith(beginning))
        return sum(found)
    first, *others = term.tokens
    # between the pairs of a run stand its single characters
    at = [i for i, token in enumerate(tokens) if token == first]
    for step, other in enumerate(others, start=1):
        at = [i for i in at if i + 2 * step < len(tokens) and tokens[i + 2 * step] == other]
    return float(len(at))
