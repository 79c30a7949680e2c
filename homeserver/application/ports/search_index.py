"""The full-text index: what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from homeserver.domain.search.document import SearchKey
    from homeserver.domain.search.tokens import Term


class Found(NamedTuple):
    """A text that may answer a query: its number in the index and its event's place.

    `ts` is the event's `origin_server_ts` in milliseconds. The index knows which tokens a text
    has, not where; whether neighbours are neighbours is to be seen from `tokens`.
    """

    number: int
    room_nid: int
    seq: int
    back: int
    key: SearchKey
    ts: int
    tokens: Sequence[str]


@dataclass(frozen=True, slots=True)
class Question:
    """What to look for: all `terms`, under any of `keys`.

    `older_than` is (`ts`, `number`) of the last text that was given before, `upto` the last
    number in the index that counts.
    """

    terms: Sequence[Term]
    keys: Collection[SearchKey]
    older_than: tuple[int, int] | None = None
    upto: int | None = None


class SearchIndex(Protocol):
    """Finds texts; the same ones on every store."""

    async def find(self, question: Question, rooms: Collection[int], limit: int) -> list[Found]:
        """The newest `limit` texts of these rooms (nids), newest first by (`ts`, `number`)."""
        ...
