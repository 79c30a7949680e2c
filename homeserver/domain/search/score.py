"""How well a text answers a query: the same on every store, from the tokens alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from homeserver.domain.search.tokens import times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.domain.search.tokens import Term

SATURATION: Final = 1.2
LENGTH_WEIGHT: Final = 0.5
USUAL_LENGTH: Final = 16.0
"""Tokens of a usual message."""


def score(terms: Sequence[Term], tokens: Sequence[str]) -> float:
    """Between 0 (a term is missing) and the number of terms times 2.2; more is better.

    BM25 without its part for rare terms: every hit has all terms, so that part would be the
    same for all of them.
    """
    slack = SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * len(tokens) / USUAL_LENGTH)
    total = 0.0
    for term in terms:
        found = times(term, tokens)
        if not found:
            return 0.0
        total += found * (SATURATION + 1) / (found + slack)
    return total
