"""`GET /_matrix/client/v3/sync`: everything that is new for a user since a token."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from homeserver.application.rooms.invitees import wish_of
from homeserver.application.sync.context import Span
from homeserver.application.sync.device_lists import Sharing
from homeserver.application.sync.ignored import IGNORED_USERS, ignored_by
from homeserver.application.sync.left_room import invited_room
from homeserver.application.sync.rules import rules_of
from homeserver.application.user_data.account_data import PUSH_RULES
from homeserver.application.user_data.items import GLOBAL
from homeserver.domain.rooms.invite_permission import Wish
from homeserver.domain.rooms.membership import BAN, INVITE, JOIN, KNOCK, LEAVE

if TYPE_CHECKING:
    from homeserver.application.ports.clock import Clock
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.registry import RoomRegistry
    from homeserver.application.sync.candidates import Candidates
    from homeserver.application.sync.context import SyncRequest
    from homeserver.application.sync.device_lists import DeviceLists, ListNews
    from homeserver.application.sync.feed import Feed, RoomPlace
    from homeserver.application.sync.feeds import Feeds
    from homeserver.application.sync.global_data import GlobalData
    from homeserver.application.sync.hub import Hub
    from homeserver.application.sync.joined_room import JoinedRooms
    from homeserver.application.sync.key_counts import KeyCountsPart
    from homeserver.application.sync.lazy_members import LazyMembers
    from homeserver.application.sync.left_room import LeftRooms
    from homeserver.application.sync.presence import PresencePart
    from homeserver.application.sync.seen import Progress, Seen
    from homeserver.application.sync.to_device import ToDevice
    from homeserver.application.to_device.inboxes import Inboxes
    from homeserver.application.typing.board import TypingBoard
    from homeserver.application.user_data.account_data import AccountData
    from homeserver.application.user_data.items import UserData
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import Room

_encode = msgspec.json.Encoder().encode
_SECTIONS = {JOIN: "join", INVITE: "invite", KNOCK: "knock", LEAVE: "leave", BAN: "leave"}

Sections = dict[str, list[bytes]]


class Answer(NamedTuple):
    """An answer's JSON, and the `next_batch` in it; without news the time ran out.

    `inbox` is the number of the last message to the device that its receiver has then.
    """

    token: str
    body: bytes
    has_news: bool
    inbox: int = 0


class _MovedError(Exception):
    """A membership changed while the answer was made: what it says would be half of both."""


class Sync:
    """Answers one /sync request."""

    def __init__(
        self,
        *,
        hub: Hub,
        feeds: Feeds,
        rooms: RoomRegistry,
        candidates: Candidates,
        joined: JoinedRooms,
        left: LeftRooms,
        data: GlobalData,
        inboxes: Inboxes,
        to_device: ToDevice,
        account_data: AccountData,
        lazy: LazyMembers,
        typing: TypingBoard,
        presence: PresencePart,
        device_lists: DeviceLists,
        key_counts: KeyCountsPart,
        progress: Progress,
        clock: Clock,
    ) -> None:
        """Read from these."""
        self._hub = hub
        self._feeds = feeds
        self._rooms = rooms
        self._candidates = candidates
        self._joined = joined
        self._left = left
        self._data = data
        self._inboxes = inboxes
        self._to_device = to_device
        self._account_data = account_data
        self._lazy = lazy
        self._typing = typing
        self._presence = presence
        self._device_lists = device_lists
        self._key_counts = key_counts
        self._progress = progress
        self._clock = clock

    async def __call__(self, requester: Requester, request: SyncRequest) -> bytes:
        """Return the JSON of `answer`."""
        return (await self.answer(requester, request)).body

    async def answer(self, requester: Requester, request: SyncRequest) -> Answer:
        """Answer at once if anything is new, else after the timeout.

        Raises InvalidParamError for a token that is garbage or another user's, and
        UnavailableError where this worker cannot reach the token's point in time.
        """
        deadline = self._clock.monotonic() + request.timeout_ms / 1000
        feed = await self._feeds.attach(requester.user_nid, requester.device_nid)
        seen = await self._progress.seen(requester, request.since, deadline)
        if request.confirms and seen.inbox:
            self._inboxes.acknowledge(feed, requester.device_nid, seen.inbox)
        self._lazy.begin(requester.device_nid, request.since)
        attendance = self._presence.attend(requester, request.presence)
        try:
            return await self._when_new(requester, request, feed, seen, deadline)
        finally:
            self._presence.leave(attendance)

    async def _when_new(
        self, requester: Requester, request: SyncRequest, feed: Feed, seen: Seen, deadline: float
    ) -> Answer:
        gap = None
        while True:
            if self._hub.unanswered.has(requester.user_nid):
                await self._hub.unanswered.answered(requester.user_nid)
            if feed.counts_read != feed.counts_tick:
                await self._key_counts.refresh(feed)
            version = feed.version
            span, body = None, None
            if request.full_state or not self._has_all(requester, feed, seen):
                if seen.vector is not None and not self._device_lists.follows(seen.vector):
                    gap = await self._device_lists.gap(requester.user_nid, seen.vector, gap)
                span = self._span(requester, request, feed, seen)
                span.key_gap = gap
                try:
                    body = await self._compose(span)
                except _MovedError:
                    continue
            left = deadline - self._clock.monotonic()
            if body is not None or left <= 0 or self._hub.draining:
                return self._answer(requester, request, feed, seen, span, body)
            if feed.version == version:
                await feed.wait(left)

    def acknowledge(self, requester: Requester, number: int) -> None:
        """A device that syncs here has got its messages up to a number; never waits."""
        feed = self._hub.feeds.get(requester.user_nid)
        if feed is not None:
            self._inboxes.acknowledge(feed, requester.device_nid, number)

    def _answer(
        self,
        requester: Requester,
        request: SyncRequest,
        feed: Feed,
        seen: Seen,
        span: Span | None,
        body: bytes | None,
    ) -> Answer:
        """Put the answer together; without a span nothing at all happened since the token."""
        if span is not None:
            token, inbox = self._progress.token(span), span.inbox_until
        else:
            token, inbox = request.since or "", seen.inbox
        self._lazy.answer(requester.device_nid, token)
        counts = self._key_counts.of(feed, requester.device_nid)
        return Answer(token, _whole(token, counts, body or b""), body is not None, inbox)

    def _has_all(self, requester: Requester, feed: Feed, seen: Seen) -> bool:
        """Whether nothing happened since the token, to anybody."""
        return (
            seen.vector is not None
            and seen.vector == self._hub.ticks.vector
            and seen.typing == self._typing.tick
            and seen.presence == self._presence.heard_then(feed, seen.presence)
            and feed.has_read(requester.device_nid, seen.inbox)
        )

    def _span(self, requester: Requester, request: SyncRequest, feed: Feed, seen: Seen) -> Span:
        known = tick = None if seen.vector is None else self._hub.ticks.of(seen.vector)
        if tick is not None and tick < feed.attached:
            tick = None
        return Span(
            requester=requester,
            request=request,
            rules=rules_of(request.filter),
            feed=feed,
            since=seen.vector,
            until=self._hub.ticks.vector,
            typing_since=seen.typing,
            typing_until=self._typing.tick,
            tick=tick,
            user_changed=tick is None or feed.user_tick > tick,
            worker_tick=known,
            until_tick=self._hub.ticks.now,
            now_ms=self._clock.now_ms(),
            inbox_since=seen.inbox,
            inbox_until=seen.inbox,
            presence_since=seen.presence,
            presence_until=self._presence.heard_then(feed, seen.presence),
        )

    async def _compose(self, span: Span) -> bytes | None:
        """Build what follows the token in the answer; None where nothing is new."""
        user_nid = span.requester.user_nid
        data = self._account_data.known(user_nid) or await self._account_data.of(user_nid)
        span.ignored = ignored_by(data)
        span.recount = not span.initial and span.user_changed and _recounts(span, data)
        sections: Sections = {}
        wanted = span.rules.rooms
        entered, sharing = [], Sharing()
        for nid in await self._candidates(span):
            place = span.feed.places.get(nid)
            if place is None or not self._concerns(span, place):
                continue
            room = self._rooms.cached(nid) or await self._rooms.get_by_nid(nid)
            if self._device_lists.may_move(span, room, place):
                await self._device_lists.look(span, room, place, sharing)
            if wanted is not None and not wanted(room.room_id):
                continue
            section = _SECTIONS[place.membership]
            if place.membership == JOIN:
                body = self._joined.at_once(span, room, place)
                body = body or await self._joined(span, room, place)
            else:
                section, body = await self._not_joined(span, room, place)
            if span.feed.places.get(nid) is not place:
                raise _MovedError
            if place.membership == JOIN and span.is_new(place.slot, place.pos):
                entered.append(room)
            if body is not None:
                entry = _encode(room.room_id) + b":" + body
                sections.setdefault(section, []).append(entry)
        account_data = await self._data(span) if span.user_changed else []
        to_device = await self._to_device(span)
        presence = await self._presence(span, entered)
        lists = self._device_lists
        listed = None if lists.is_quiet(span, sharing) else await lists.told(span, sharing)
        always = span.initial or span.request.full_state or self._key_counts.is_news(span)
        if sections or account_data or to_device or presence or listed or always:
            beside = (
                ("to_device", to_device),
                ("account_data", account_data),
                ("presence", presence),
            )
            return _assemble(sections, [part for part in beside if part[1]], listed)
        return None

    def _concerns(self, span: Span, place: RoomPlace) -> bool:
        """Whether a room is in this answer at all; of rooms left, only that they are."""
        if not span.until.covers(place.slot, place.pos):
            raise _MovedError
        if place.membership == JOIN:
            return True
        if span.initial and place.membership in (LEAVE, BAN):
            return span.request.filter.room.include_leave and not place.forgotten
        return span.is_new(place.slot, place.pos)

    async def _not_joined(
        self, span: Span, room: Room, place: RoomPlace
    ) -> tuple[str, bytes | None]:
        """The section of another room and its entry there, None where it is not told."""
        told: RoomPlace | None = place
        if place.membership == INVITE:
            told = await self._invited(span, room, place)
        if told is None:
            return _SECTIONS[place.membership], None
        if told.membership in (LEAVE, BAN):
            return _SECTIONS[told.membership], await self._left(span, room, told)
        entry = invited_room(room, span.requester.user_id, told.membership)
        return _SECTIONS[told.membership], entry

    async def _invited(self, span: Span, room: Room, place: RoomPlace) -> RoomPlace | None:
        """An invited user's place as it is told: of an unwanted invitation what was before it."""
        own = room.state.get(("m.room.member", span.requester.user_id))
        if own is None or not await self._is_unwanted(span, own):
            return place
        return await self._left.before_invitation(span, room, place)

    async def _is_unwanted(self, span: Span, own: Event) -> bool:
        """Whether this is an invitation by somebody ignored, or who may not, or no longer."""
        if own.membership != INVITE:
            return False
        data = await self._account_data.of(span.requester.user_nid)
        return own.sender in span.ignored or wish_of(data, own.sender) is not Wish.ALLOW


def _recounts(span: Span, data: UserData) -> bool:
    """Whether what decides about notifications changed within this answer."""
    items = (data.items.get(key) for key in (PUSH_RULES, (GLOBAL, IGNORED_USERS)))
    return any(item is not None and span.is_new(item.slot, item.pos) for item in items)


def _whole(token: str, counts: bytes, body: bytes) -> bytes:
    return b'{"next_batch":"%b",%b%b}' % (token.encode(), counts, body)


def _assemble(
    sections: Sections, beside: list[tuple[str, list[bytes]]], lists: ListNews | None
) -> bytes:
    parts = [
        b',"%b":{"events":[%b]}' % (name.encode(), b",".join(events)) for name, events in beside
    ]
    if lists is not None:
        told = {name: sorted(users) for name, users in lists._asdict().items() if users}
        parts.append(b',"device_lists":%b' % _encode(told))
    if sections:
        rooms = [
            b'"%b":{%b}' % (name.encode(), b",".join(entries)) for name, entries in sections.items()
        ]
        parts.append(b',"rooms":{%b}' % b",".join(rooms))
    return b"".join(parts)
