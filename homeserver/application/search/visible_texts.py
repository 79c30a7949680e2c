"""The texts that a user may find: those of the user's rooms, as far as the user may read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from homeserver.domain.rooms.membership import INVITE, KNOCK
from homeserver.domain.search.score import score
from homeserver.domain.shared.errors import ForbiddenError, NotFoundError
from homeserver.domain.sync.filter_match import room_predicate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from homeserver.application.access import RoomAccess, RoomView
    from homeserver.application.ports.membership_store import MembershipStore
    from homeserver.application.ports.search_index import Found, Question, SearchIndex
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.registry import RoomRegistry
    from homeserver.domain.rooms.room import StateKey
    from homeserver.domain.sync.filter import RoomEventFilter

ENCRYPTION: StateKey = ("m.room.encryption", "")
WINDOW = 1000
"""Texts that one look at the index takes: the newest; a ranking is among these."""
NAMED_ROOMS = 100
"""Up to so many rooms of a filter are looked for also where the user was never in them."""


class VisibleText(NamedTuple):
    """A text that answers, and the room as the searcher sees it."""

    rank: float
    found: Found
    view: RoomView


class Window(NamedTuple):
    """What of the newest texts answers, newest first; `last` of all, where others are behind it."""

    texts: list[VisibleText]
    newest: int
    last: Found | None


class VisibleTexts:
    """Asks the index, and then the rooms."""

    def __init__(
        self,
        access: RoomAccess,
        rooms: RoomRegistry,
        memberships: MembershipStore,
        index: SearchIndex,
    ) -> None:
        """Look here."""
        self._access = access
        self._rooms = rooms
        self._memberships = memberships
        self._index = index

    async def __call__(
        self, requester: Requester, question: Question, wanted: RoomEventFilter
    ) -> Window:
        """The answers among the newest `WINDOW` texts of the user's rooms.

        Rooms with encryption are left out, as the specification says.
        """
        nids = await self._room_nids(requester, wanted)
        found = await self._index.find(question, nids, WINDOW)
        views = await self._views(requester, {each.room_nid for each in found}, wanted)
        texts = list(_answers(question, found, views))
        newest = max((each.number for each in found), default=0)
        return Window(texts, newest, found[-1] if len(found) == WINDOW else None)

    async def _room_nids(self, requester: Requester, wanted: RoomEventFilter) -> Sequence[int]:
        if wanted.rooms is not None and len(wanted.rooms) <= NAMED_ROOMS:
            return [nid for room_id in wanted.rooms if (nid := await self._nid(room_id))]
        places = await self._memberships.places(requester.user_nid)
        return [
            place.room_nid
            for place in places
            if not place.forgotten and place.membership not in (INVITE, KNOCK)
        ]

    async def _nid(self, room_id: str) -> int | None:
        try:
            return (await self._rooms.get(room_id)).nid
        except NotFoundError:
            return None

    async def _views(
        self, requester: Requester, nids: Iterable[int], wanted: RoomEventFilter
    ) -> Mapping[int, RoomView]:
        """The rooms that the user may read and the filter takes."""
        takes = room_predicate(wanted)
        views: dict[int, RoomView] = {}
        for nid in nids:
            room = await self._rooms.get_by_nid(nid)
            if takes is not None and not takes(room.room_id):
                continue
            try:
                view = await self._access.for_reading(requester, room.room_id)
            except ForbiddenError:
                continue
            if ENCRYPTION not in view.room.state:
                views[nid] = view
        return views


def _answers(
    question: Question, found: Iterable[Found], views: Mapping[int, RoomView]
) -> Iterable[VisibleText]:
    for each in found:
        view = views.get(each.room_nid)
        if view is None or not view.sees(each):
            continue
        rank = score(question.terms, each.tokens)
        if rank:
            yield VisibleText(rank, each, view)
