"""`POST /search`, the category `room_events`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from homeserver.application.ports.search_index import Question
from homeserver.application.rooms.accepting import accepting
from homeserver.application.rooms.neighbours import neighbours
from homeserver.application.search.criteria import Result, Results
from homeserver.domain.search.page import RankedPage, RecentPage, decode_page
from homeserver.domain.search.tokens import terms_of, words_of
from homeserver.domain.sync.filter import RoomEventFilter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from homeserver.application.ports.timeline_store import TimelineStore
    from homeserver.application.relations.aggregations import Aggregations
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.log_scan import LogScan
    from homeserver.application.rooms.state_reader import StateReader
    from homeserver.application.search.criteria import Criteria, Surroundings
    from homeserver.application.search.visible_texts import VisibleText, VisibleTexts, Window
    from homeserver.application.sync.ignored import IgnoredUsers
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.timeline import TimelineEvent

    Accept = Callable[[TimelineEvent], bool]

_ALL = RoomEventFilter()
MAX_CHUNK = 100
"""Events that are read at once, where a filter may refuse them."""


class SearchEvents:
    """Finds events by their texts."""

    def __init__(
        self,
        texts: VisibleTexts,
        store: TimelineStore,
        scan: LogScan,
        state: StateReader,
        aggregations: Aggregations,
        ignored: IgnoredUsers,
        caught_up: Callable[[], Awaitable[None]],
    ) -> None:
        """Read with these; `caught_up` waits for the index (`KeepFilled`)."""
        self._texts = texts
        self._store = store
        self._scan = scan
        self._state = state
        self._aggregations = aggregations
        self._ignored = ignored
        self._caught_up = caught_up

    async def __call__(self, requester: Requester, criteria: Criteria) -> Results:
        """A page of what the requester may see. Raises InvalidParamError for `next_batch`."""
        page = _page(criteria)
        terms = terms_of(criteria.term)
        if not terms or not criteria.keys:
            return Results()
        await self._caught_up()
        question = Question(
            terms,
            criteria.keys,
            older_than=(page.ts, page.number) if isinstance(page, RecentPage) else None,
            upto=page.upto if isinstance(page, RankedPage) else None,
        )
        window = await self._texts(requester, question, criteria.filter)
        texts, skipped = _ordered(window, page, ranked=criteria.ranked)
        accept = await self._acceptance(requester, criteria)
        results, used = await self._results(texts[skipped:], criteria.filter.page, accept)
        given = (page.given if isinstance(page, RecentPage) else skipped) + used
        over = given - used - skipped
        return Results(
            [await self._surrounded(requester, each, criteria.surroundings) for each in results],
            count=len(texts) + over,
            highlights=words_of(criteria.term),
            state=await self._states(results) if criteria.include_state else {},
            next_batch=_next(criteria, window, page, texts[: skipped + used], texts, given),
        )

    async def _acceptance(self, requester: Requester, criteria: Criteria) -> Accept:
        """The filter, and whom the requester ignores; what was redacted is never given."""
        ignored = await self._ignored(requester.user_nid)
        takes = accepting(criteria.filter, ignored)

        def accept(item: TimelineEvent) -> bool:
            return item.redacted_because is None and (takes is None or takes(item))

        return accept

    async def _results(
        self, texts: Sequence[VisibleText], limit: int, accept: Accept
    ) -> tuple[list[Result], int]:
        """Up to `limit` results, and how many of the texts were looked at for them."""
        results: list[Result] = []
        used = 0
        while used < len(texts):
            chunk = texts[used : used + min(2 * limit, MAX_CHUNK)]
            items = await self._read(chunk)
            for text, item in zip(chunk, items, strict=True):
                used += 1
                if item is not None and accept(item):
                    results.append(Result(text.rank, text.view, item))
                    if len(results) == limit:
                        return results, used
        return results, used

    async def _read(self, texts: Sequence[VisibleText]) -> list[TimelineEvent | None]:
        """The events of texts; None for one that is no more."""
        views = {text.found.room_nid: text.view for text in texts}
        read: dict[tuple[int, int, int], TimelineEvent] = {}
        for nid, view in views.items():
            places = {(t.found.seq, t.found.back) for t in texts if t.found.room_nid == nid}
            found = await self._store.at(view.room, places)
            read.update(((nid, *place), item) for place, item in found.items())
        return [read.get((t.found.room_nid, t.found.seq, t.found.back)) for t in texts]

    async def _surrounded(
        self, requester: Requester, result: Result, wanted: Surroundings | None
    ) -> Result:
        """A result with what stands around it and what relates to these events."""
        view, item = result.view, result.item
        if wanted is None:
            beside = await self._aggregations.for_view(requester, view, [item])
            return replace(result, bundles=beside)
        around = await neighbours(
            self._scan,
            view,
            item,
            before=wanted.before,
            after=wanted.after,
            accept=accepting(_ALL, await self._ignored(requester.user_nid)),
        )
        profiles: Sequence[Event] = ()
        if wanted.profiles:
            senders = [each.event.sender for each in (*around.before, item, *around.after)]
            profiles = await self._state.members(view.room, item.seq, senders)
        shown = (*around.before, item, *around.after)
        beside = await self._aggregations.for_view(requester, view, shown)
        return replace(result, around=around, profiles=profiles, bundles=beside)

    async def _states(self, results: Sequence[Result]) -> dict[str, list[Event]]:
        """The state of the results' rooms, of rooms that were left as it was then."""
        views = {result.view.room.room_id: result.view for result in results}
        return {
            room_id: list((await self._state.whole(view.room, view.until)).values())
            for room_id, view in views.items()
        }


def _page(criteria: Criteria) -> RecentPage | RankedPage | None:
    if criteria.next_batch is None:
        return None
    return decode_page(criteria.next_batch, ranked=criteria.ranked)


def _ordered(
    window: Window, page: RecentPage | RankedPage | None, *, ranked: bool
) -> tuple[list[VisibleText], int]:
    """The texts in the wanted order, and how many of them earlier pages gave."""
    if not ranked:
        return window.texts, 0
    best_first = sorted(window.texts, key=lambda text: -text.rank)  # stable: newest first
    return best_first, page.given if isinstance(page, RankedPage) else 0


def _next(
    criteria: Criteria,
    window: Window,
    page: RecentPage | RankedPage | None,
    seen: Sequence[VisibleText],
    texts: Sequence[VisibleText],
    given: int,
) -> str | None:
    """Where the next page begins; None where there is nothing more."""
    more = len(seen) < len(texts)
    if criteria.ranked:
        upto = page.upto if isinstance(page, RankedPage) else window.newest
        return RankedPage(upto, given).encoded() if more else None
    last = seen[-1].found if more and seen else window.last
    return None if last is None else RecentPage(last.ts, last.number, given).encoded()
