"""`GET /_matrix/client/v3/sync`: everything that is new for a user since a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from homeserver.application.sync.context import Span
from homeserver.application.sync.left_room import invited_room
from homeserver.application.sync.tokens import Tokens
from homeserver.domain.rooms.membership import BAN, INVITE, JOIN, KNOCK, LEAVE
from homeserver.domain.shared.errors import UnavailableError
from homeserver.domain.sync.filter_match import room_predicate
from homeserver.domain.sync.token import StaleToken, SyncToken
from homeserver.domain.sync.vector import Vector

if TYPE_CHECKING:
    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.log_reader import LogReader
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.registry import RoomRegistry
    from homeserver.application.sync.candidates import Candidates
    from homeserver.application.sync.context import SyncRequest
    from homeserver.application.sync.feed import Feed, RoomPlace
    from homeserver.application.sync.feeds import Feeds
    from homeserver.application.sync.global_data import GlobalData
    from homeserver.application.sync.hub import Hub
    from homeserver.application.sync.joined_room import JoinedRooms
    from homeserver.application.sync.left_room import LeftRooms
    from homeserver.application.typing.board import TypingBoard
    from homeserver.domain.rooms.room import Room

_encode = msgspec.json.Encoder().encode
_SECTIONS = {JOIN: "join", INVITE: "invite", KNOCK: "knock", LEAVE: "leave", BAN: "leave"}
# always present: some clients take an absent count for "unknown" (sync-points 24)
_KEYS = (
    b'"device_one_time_keys_count":{"signed_curve25519":0},"device_unused_fallback_key_types":[]'
)

Sections = dict[str, list[bytes]]


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
        typing: TypingBoard,
        log: LogReader,
        clock: Clock,
        generation: bytes,
        instance: int,
    ) -> None:
        """Read from these; `instance` names this life of this worker in tokens."""
        self._tokens = Tokens(generation, instance)
        self._hub = hub
        self._feeds = feeds
        self._rooms = rooms
        self._candidates = candidates
        self._joined = joined
        self._left = left
        self._data = data
        self._typing = typing
        self._log = log
        self._clock = clock
        self._generation = generation

    async def __call__(self, requester: Requester, request: SyncRequest) -> bytes:
        """Return the answer's JSON: at once if anything is new, else after the timeout.

        Raises InvalidParamError for a token that is garbage or another user's, and
        UnavailableError where this worker cannot reach the token's point in time.
        """
        deadline = self._clock.monotonic() + request.timeout_ms / 1000
        feed = await self._feeds.attach(requester.user_nid)
        since, typing_since = await self._since(requester, request)
        if since is not None and not await self._reach(since, deadline):
            raise UnavailableError("This worker has not reached your token yet")
        while True:
            version = feed.version
            span = self._span(requester, request, feed, since, typing_since)
            body = None if self._is_idle(span) else await self._compose(span)
            if body is not None:
                return body
            left = deadline - self._clock.monotonic()
            if left <= 0 or request.full_state or self._hub.draining:
                return b'{"next_batch":"%b",%b}' % (self._token(span), _KEYS)
            if feed.version == version:
                await feed.wait(left)

    def _span(
        self,
        requester: Requester,
        request: SyncRequest,
        feed: Feed,
        since: Vector | None,
        typing_since: int | None,
    ) -> Span:
        tick = None if since is None else self._hub.ticks.of(since)
        return Span(
            requester=requester,
            request=request,
            feed=feed,
            since=since,
            until=self._hub.ticks.vector,
            typing_since=typing_since,
            typing_until=self._typing.tick,
            tick=tick if tick is not None and tick >= feed.attached else None,
        )

    async def _reach(self, since: Vector, deadline: float) -> bool:
        """Wait for a token that is ahead of this worker; it is never answered early."""
        if self._hub.ticks.vector >= since:
            return True
        return await self._hub.reach(since, max(deadline - self._clock.monotonic(), 0.5))

    async def _since(
        self, requester: Requester, request: SyncRequest
    ) -> tuple[Vector | None, int | None]:
        if request.since is None:
            return None, None
        found = self._tokens.read(request.since, requester.user_nid)
        if isinstance(found, StaleToken):
            floor = await self._log.floor(found.token.generation)
            return _lowered(found.token.vector, floor or {}), None
        instance, tick = found.ephemeral
        return found.vector, tick if instance == self._tokens.instance else 0

    def _token(self, span: Span) -> bytes:
        if self._is_idle(span) and span.request.since is not None:
            return span.request.since.encode()
        token = SyncToken(
            span.until,
            self._generation,
            span.requester.user_nid,
            (self._tokens.instance, span.typing_until),
        )
        return self._tokens.issue(token).encode()

    def _is_idle(self, span: Span) -> bool:
        """Whether nothing at all happened since the token: the common case, decided at once."""
        return (
            span.tick == self._hub.ticks.now
            and span.typing_since == span.typing_until
            and not span.request.full_state
        )

    async def _compose(self, span: Span) -> bytes | None:
        """Build the answer; None where nothing is new."""
        nids = await self._candidates(span)
        sections: Sections = {}
        wanted = room_predicate(
            span.request.filter.room,
            span.request.filter.room.timeline,
        )
        for nid in nids:
            place = span.feed.places.get(nid)
            if place is None or place.forgotten:
                continue
            room = await self._rooms.get_by_nid(nid)
            body = None
            if wanted is None or wanted(room.room_id):
                body = await self._room(span, room, place)
            if body is not None:
                entry = _encode(room.room_id) + b":" + body
                sections.setdefault(_SECTIONS[place.membership], []).append(entry)
        account_data = await self._data(span)
        if not sections and not account_data and not span.initial:
            return None
        return _assemble(self._token(span), sections, account_data)

    async def _room(self, span: Span, room: Room, place: RoomPlace) -> bytes | None:
        if place.membership == JOIN:
            return await self._joined(span, room, place)
        if not span.is_new(place.slot, place.pos):
            return None
        if place.membership in (INVITE, KNOCK):
            return invited_room(room, span.requester.user_id, place.membership)
        if span.initial and not span.request.filter.room.include_leave:
            return None
        return await self._left(span, room, place)


def _assemble(token: bytes, sections: Sections, account_data: list[bytes]) -> bytes:
    parts = [b'"next_batch":"%b"' % token, _KEYS]
    if account_data:
        parts.append(b'"account_data":{"events":[%b]}' % b",".join(account_data))
    if sections:
        rooms = b",".join(
            b'"%b":{%b}' % (name.encode(), b",".join(entries)) for name, entries in sections.items()
        )
        parts.append(b'"rooms":{%b}' % rooms)
    return b"{" + b",".join(parts) + b"}"


def _lowered(vector: Vector, floor: dict[int, int]) -> Vector:
    """What of an older generation's token still holds: no position above the floor."""
    return Vector({slot: min(pos, floor.get(slot, 0)) for slot, pos in vector})
