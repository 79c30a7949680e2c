"""Tokens of pages of results. They say where to go on, and nothing that has to be kept secret."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from homeserver.domain.shared.errors import InvalidParamError

_NUMBER: Final = r"(0|[1-9][0-9]{0,17})"
_RECENT: Final = re.compile(f"s1n_{_NUMBER}_{_NUMBER}_{_NUMBER}")
_RANKED: Final = re.compile(f"s1r_{_NUMBER}_{_NUMBER}")


class RecentPage(NamedTuple):
    """Behind the text (`ts`, `number`); `given` results were before it."""

    ts: int
    number: int
    given: int

    def encoded(self) -> str:
        """Write it as a URL-safe token."""
        return f"s1n_{self.ts}_{self.number}_{self.given}"


class RankedPage(NamedTuple):
    """Behind the first `given` of the ranking of texts up to number `upto` of the index."""

    upto: int
    given: int

    def encoded(self) -> str:
        """Write it as a URL-safe token."""
        return f"s1r_{self.upto}_{self.given}"


def decode_page(token: str, *, ranked: bool) -> RecentPage | RankedPage:
    """Read a token. InvalidParamError for anything else, also where it is of the other order."""
    found = (_RANKED if ranked else _RECENT).fullmatch(token)
    if found is None:
        raise InvalidParamError("Unknown next_batch: it belongs to the request that gave it")
    numbers = [int(each) for each in found.groups()]
    return RankedPage(*numbers) if ranked else RecentPage(*numbers)
