"""`GET /keys/changes`: what `device_lists` would have told since a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.sync.context import Span, SyncRequest
from homeserver.application.sync.device_lists import ListNews, Sharing
from homeserver.application.sync.rules import rules_of
from homeserver.application.sync.seen import LEAST_WAIT
from homeserver.domain.sync.filter import Filter

if TYPE_CHECKING:
    from homeserver.application.ports.clock import Clock
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.registry import RoomRegistry
    from homeserver.application.sync.candidates import Candidates
    from homeserver.application.sync.device_lists import DeviceLists
    from homeserver.application.sync.feeds import Feeds
    from homeserver.application.sync.hub import Hub
    from homeserver.application.sync.seen import Progress

EVERYTHING = Filter()
NO_NEWS = ListNews((), ())


class ListChanges:
    """Answers with what /sync would from the same token, up to now."""

    def __init__(
        self,
        *,
        hub: Hub,
        feeds: Feeds,
        rooms: RoomRegistry,
        candidates: Candidates,
        lists: DeviceLists,
        progress: Progress,
        clock: Clock,
    ) -> None:
        """Read from these."""
        self._hub = hub
        self._feeds = feeds
        self._rooms = rooms
        self._candidates = candidates
        self._lists = lists
        self._progress = progress
        self._clock = clock

    async def __call__(self, requester: Requester, start: str, end: str) -> ListNews:
        """Whose keys changed since `start`, and who shares no encrypted room any more.

        `end` is what the answer has at least: it is waited for. Raises InvalidParamError for
        a token that is garbage or another user's, UnavailableError where this worker does not
        get to one.
        """
        deadline = self._clock.monotonic() + LEAST_WAIT
        feed = await self._feeds.attach(requester.user_nid)
        await self._progress.seen(requester, end, deadline)
        seen = await self._progress.seen(requester, start, deadline)
        if seen.vector is None:
            return NO_NEWS
        gap = await self._lists.gap(requester.user_nid, seen.vector, None)
        span = Span(
            requester=requester,
            request=SyncRequest(start, EVERYTHING),
            rules=rules_of(EVERYTHING),
            feed=feed,
            since=seen.vector,
            until=self._hub.ticks.vector,
            typing_since=None,
            typing_until=0,
            tick=None,
            user_changed=False,
            now_ms=self._clock.now_ms(),
            worker_tick=self._hub.ticks.of(seen.vector),
            until_tick=self._hub.ticks.now,
            key_gap=gap,
        )
        sharing = Sharing()
        for nid in await self._candidates(span):
            place = feed.places.get(nid)
            if place is not None:
                room = await self._rooms.get_by_nid(nid)
                if self._lists.may_move(span, room, place):
                    await self._lists.look(span, room, place, sharing)
        return await self._lists.told(span, sharing) or NO_NEWS
