"""One form for all ways to write the same text."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from homeserver.domain.search.characters import marks

MAX_MARKS = 16
"""Combining marks in a row; putting them in order takes the square of their number."""
_ACCENTED = re.compile("([\\u0000-\\u03ff\\u1e00-\\u1fff])[\\u0300-\\u036f]+")


def folded(text: str) -> str:
    """Give a text in compatibility form (NFKC), in lower case, without Latin and Greek accents.

    Accents go where people leave them out when they type ("cafe" for "café", Vietnamese, Greek
    capitals). In other scripts a mark makes another letter (Russian и and й, Japanese か and
    が, the vowels of Indian scripts), so they stay. Linear time.
    """
    if text.isascii():
        return text.lower()
    normal = unicodedata.normalize("NFKC", _too_many().sub(r"\1", text)).casefold()
    bare = _ACCENTED.sub(r"\1", unicodedata.normalize("NFD", normal))
    return unicodedata.normalize("NFKC", bare)


@cache
def _too_many() -> re.Pattern[str]:
    return re.compile(f"({marks()}{{{MAX_MARKS}}}){marks()}+")
