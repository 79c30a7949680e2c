"""A joined room's part of a /sync answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from homeserver.application.sync.hidden_counts import counts_may_have_moved
from homeserver.application.sync.rendering import render_state, render_timeline
from homeserver.application.sync.room_state import Bounds, joined_at
from homeserver.application.sync.shared_timelines import SharedTimelines, is_common
from homeserver.application.sync.summary import room_summary
from homeserver.domain.rooms.room import MEMBER

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.state_store import StateStore
    from homeserver.application.rooms.timeline_reader import Page, TimelineReader
    from homeserver.application.sync.context import Span
    from homeserver.application.sync.feed import RoomPlace
    from homeserver.application.sync.room_data import RoomData
    from homeserver.application.sync.room_state import StatePart
    from homeserver.application.sync.timeline_relations import TimelineRelations
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.domain.rooms.visibility import VisibilityWindow

_encode = msgspec.json.Encoder().encode


class JoinedRooms:
    """Builds the entries of `rooms.join`."""

    def __init__(
        self,
        *,
        access: RoomAccess,
        store: StateStore,
        timeline: TimelineReader,
        state: StatePart,
        data: RoomData,
        beside: TimelineRelations,
    ) -> None:
        """Read rooms through these."""
        self._access = access
        self._store = store
        self._timeline = timeline
        self._state = state
        self._data = data
        self._beside = beside
        self._shared = SharedTimelines()

    async def __call__(self, span: Span, room: Room, place: RoomPlace) -> bytes | None:
        """Return the room's JSON object; None where nothing in it is new."""
        bounds = await self._bounds(span, room, place)
        page, timeline = await self._timeline_part(span, room, place, bounds)
        state = await self._state(span, room, bounds, page)
        extra = await self._data(span, room, place, fresh=bounds.fresh)
        whole = bounds.fresh or span.request.full_state
        news = whole or page.events or page.limited or state.events or extra.news
        if not (news or counts_may_have_moved(span, room, bounds)):
            return None
        parts = [render_state(span, room, state.events), timeline, *extra.parts]
        if whole or page.limited or state.renamed:
            summary = room_summary(room, span.requester.user_id)
            parts.append(b'"summary":' + _encode(summary))
        return b"{" + b",".join(parts) + b"}"

    def at_once(self, span: Span, room: Room, place: RoomPlace) -> bytes | None:
        """The same for who has followed the room, where only messages came that others got too.

        Such answers are most of all; this makes them from memory, without a coroutine for each
        part. None: it takes the whole way.
        """
        if span.since is None or span.user_changed or span.rules.lazy or span.request.full_state:
            return None
        known = self._timeline.known_position
        until, after = known(room, span.until), known(room, span.since)
        if until is None or after is None:
            return None
        bounds = Bounds(after, until, fresh=False)
        if not is_common(span, place, bounds) or not room.state_stayed_since(after):
            return None
        shared = self._shared.find(span, room, bounds)
        if shared is None or shared.page.limited or self._data.has_moved(span, room):
            return None
        counts = self._data.counts_at_once(span, room, place)
        if counts is None or not shared.page.events:
            return None
        state = render_state(span, room, ())
        return b"{%b,%b,%b}" % (state, shared.rendered(span, bounds), counts)

    async def _bounds(self, span: Span, room: Room, place: RoomPlace) -> Bounds:
        until = await self._timeline.position_at(room, span.until)
        if span.since is None:
            return Bounds(0, until, fresh=True)
        after = await self._timeline.position_at(room, span.since)
        if span.since.covers(place.slot, place.pos):
            return Bounds(after, until, fresh=False)
        history = await self._store.history_of(room, (MEMBER, span.requester.user_id))
        if joined_at(history, span.since):
            return Bounds(after, until, fresh=False)
        return Bounds(0, until, fresh=True)

    async def _timeline_part(
        self, span: Span, room: Room, place: RoomPlace, bounds: Bounds
    ) -> tuple[Page, bytes]:
        """The events, and the `timeline` that has them."""
        if not is_common(span, place, bounds):
            window = await self._access.window(room, span.requester.user_id)
            page = await self._page(span, room, bounds, window)
            return page, render_timeline(
                span.rules,
                page,
                window.membership_at,
                bounds.until,
                span.requester.device_nid,
                now_ms=span.now_ms,
                user_id=span.requester.user_id,
                bundles=await self._beside.bundles(span, room, page, bounds.until, window),
            )
        shared = self._shared.find(span, room, bounds)
        if shared is None:
            page = await self._page(span, room, bounds, None)
            bundles = await self._beside.bundles(span, room, page, bounds.until, None)
            shared = self._shared.render(span, room, bounds, page, bundles)
        return shared.page, shared.rendered(span, bounds)

    async def _page(
        self, span: Span, room: Room, bounds: Bounds, window: VisibilityWindow[float] | None
    ) -> Page:
        """The events that a reader may see; all of them without a window."""
        return await self._timeline.newest(
            room,
            after=bounds.after,
            until=bounds.until,
            limit=span.request.filter.room.timeline.page,
            accept=acceptance(span, window, span.rules.timeline.of(room.room_id)),
            sieve=self._beside.sieve(span, room, bounds.until, window),
        )


def acceptance(
    span: Span, window: VisibilityWindow[float] | None, accepts: Callable[[Any], bool] | None
) -> Callable[[TimelineEvent], bool] | None:
    """One predicate from what the reader may see, the filter wants and the reader ignores."""
    tests: list[Callable[[TimelineEvent], bool]] = []
    if window is not None and not window.sees_everything:
        tests.append(lambda item: window.sees(item.seq))
    if accepts is not None:
        tests.append(lambda item: accepts(item.event))
    if span.ignored:
        ignored = span.ignored
        tests.append(
            lambda item: item.event.sender not in ignored or item.event.state_key is not None
        )
    if len(tests) <= 1:
        return tests[0] if tests else None
    return lambda item: all(test(item) for test in tests)
