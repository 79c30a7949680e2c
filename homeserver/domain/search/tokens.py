"""Texts as tokens, and queries as what must be among them.

A text becomes a list of tokens in its order:

- a word is one token;
- of a run in a script without blanks (Chinese, Japanese, Korean, Thai …) each pair of
  neighbours is a token, and the last character: 会议室 is 会议, 议室, 室. Each character so
  begins one token, and a search for one character is one for a beginning;
- an emoji is one token; its skin tone is not counted, and what is joined of several (a
  family) is those. A flag is one.

A query asks for all its words, the last of them as a beginning unless a blank follows, and
for runs as they stand.
"""

from __future__ import annotations

import re
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
_ASCII_WORDS: Final = re.compile("[0-9a-z]+")
MIN_PREFIX: Final = 2
"""Letters; one alone would be the beginning of too much."""


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that a text must have: neighbouring tokens of a run, or one token.

    With `prefix` the one token is the beginning of what the text must have; `exact`, where it
    is set, is the token of the whole word, which counts more than a longer one.
    """

    tokens: tuple[str, ...]
    prefix: bool = False
    exact: str = ""


def tokens_of(text: str) -> list[str]:
    """The tokens of a text, `MAX_TOKENS` at most."""
    text = folded(text)
    if text.isascii():  # the same, at a fraction of the cost
        return [encoded(WORD, word) for word in _ASCII_WORDS.findall(text)[:MAX_TOKENS]]
    found: list[str] = []
    for piece in pieces().finditer(text):
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
            run = part[:MAX_TERMS]
            pairs = tuple(encoded(GRAM, a + b) for a, b in pairwise(run))
            term = Term(pairs) if pairs else Term((encoded_beginning(GRAM, run),), prefix=True)
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
    return [encoded(GRAM, a + b) for a, b in pairwise(run)] + [encoded(GRAM, run[-1])]


def times(term: Term, tokens: Sequence[str]) -> float:
    """How often a text has what a term asks for; a longer word than asked for counts half."""
    if term.prefix:
        beginning, exact = term.tokens[0], term.exact
        found = [token for token in tokens if token.startswith(beginning)]
        return sum(0.5 if exact and token != exact else 1.0 for token in found)
    first, *others = term.tokens
    at = [i for i, token in enumerate(tokens) if token == first]
    for step, other in enumerate(others, start=1):
        at = [i for i in at if i + step < len(tokens) and tokens[i + step] == other]
    return float(len(at))
