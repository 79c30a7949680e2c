"""`POST /user_directory/search`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from homeserver.application.ports.search_index import Question
from homeserver.application.search.read_people import PEOPLE
from homeserver.domain.search.document import SearchKey
from homeserver.domain.search.score import score
from homeserver.domain.search.tokens import terms_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from homeserver.application.ports.search_index import SearchIndex
    from homeserver.application.ports.user_directory import Person, UserDirectory
    from homeserver.application.requester import Requester

MAX_FOUND = 1000
"""Users whose names answer, of whom those are given that the searcher may find."""
AT_ONCE = 50
MAX_ROOMS = 2000
"""Rooms of `AT_ONCE` users that are looked at."""


class FoundPeople(NamedTuple):
    """The best answers, and whether there are more."""

    people: Sequence[Person]
    limited: bool


class SearchUsers:
    """Finds users by their ids and names: all words of a query, the last as a beginning."""

    def __init__(
        self,
        index: SearchIndex,
        directory: UserDirectory,
        caught_up: Callable[[], Awaitable[None]],
    ) -> None:
        """Look here; `caught_up` waits for the index (`KeepFilled`)."""
        self._index = index
        self._directory = directory
        self._caught_up = caught_up

    async def __call__(self, requester: Requester, term: str, limit: int) -> FoundPeople:
        """Up to `limit` users who share a room with the requester or are in an open room.

        Open is what anybody may join or read. The requester is found too.
        """
        found = await self._matching(term)
        seen_in: dict[int, int] = {}
        for start in range(0, len(found), AT_ONCE):
            some = found[start : start + AT_ONCE]
            where = await self._visible(requester.user_nid, some)
            seen_in.update((nid, where[nid]) for nid in some if nid in where)
            if len(seen_in) > limit:
                break
        best = dict(list(seen_in.items())[:limit])
        people = await self._directory.people(best)
        given = [people[nid] for nid in best if nid in people]
        return FoundPeople(given, limited=len(seen_in) > limit or len(found) == MAX_FOUND)

    async def _matching(self, term: str) -> list[int]:
        """Users whose names answer, the best first."""
        terms = terms_of(term)
        if not terms:
            return []
        await self._caught_up()
        question = Question(terms, [SearchKey.PERSON])
        found = await self._index.find(question, [PEOPLE], MAX_FOUND)
        ranked = [(score(terms, each.tokens), each.seq) for each in found]
        ranked.sort(key=lambda pair: -pair[0])
        return [nid for rank, nid in ranked if rank]

    async def _visible(self, searcher: int, users: Sequence[int]) -> dict[int, int]:
        """Whom of these the searcher may find, with a room that shows them."""
        seen_in = dict(await self._directory.sharing(searcher, users))
        others = [nid for nid in users if nid not in seen_in]
        if others:
            rooms = await self._directory.rooms(others, MAX_ROOMS)
            public = await self._directory.public({room for _, room in rooms})
            seen_in.update((nid, room) for nid, room in rooms if room in public)
        return seen_in
