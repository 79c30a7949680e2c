"""Delivering one notice to one gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from homeserver.application.ports.push_gateway import ForbiddenGatewayError, GatewayError
from homeserver.application.push.addressed import addressed
from homeserver.application.push.moments import display_name
from homeserver.domain.push.notification import Told, badge, notification
from homeserver.domain.push.pusher import PusherId
from homeserver.domain.rooms.membership import JOIN
from homeserver.domain.rooms.room import MEMBER
from homeserver.domain.shared.errors import MatrixError

if TYPE_CHECKING:
    from homeserver.application.ports.push_audience import PushAudience, Reader
    from homeserver.application.ports.push_gateway import Answer, PushGateway
    from homeserver.application.ports.push_log import LaneKey, Notice
    from homeserver.application.ports.pusher_store import StoredPusher
    from homeserver.application.ports.timeline_store import TimelineStore
    from homeserver.application.push.addressed import Addressed
    from homeserver.application.push.badges import Badges
    from homeserver.application.push.figures import PushFigures
    from homeserver.application.push.pushers import Pushers
    from homeserver.application.push.readers import RoomReaders
    from homeserver.application.rooms.registry import RoomRegistry
    from homeserver.application.sync.unread import UnreadCounts
    from homeserver.application.user_data.account_data import AccountData
    from homeserver.domain.push.notification import Counts
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent

OK: Final = range(200, 300)
REFUSED: Final = range(300, 500)
BUSY: Final = (408, 425, 429)
"""Refusals that are none: try again."""
_NAME: Final = ("m.room.name", "")
_ALIAS: Final = ("m.room.canonical_alias", "")
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Delivered:
    """It is done with; `asked` unless there was nothing to tell any more."""

    asked: bool = True


@dataclass(frozen=True, slots=True)
class Over:
    """There is no such pusher any more."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Try again; `refused` where the gateway would not have it, `by_host` where it is ill.

    `retry_after` is what it asked for, in seconds.
    """

    refused: bool = False
    by_host: bool = True
    retry_after: float = 0.0


Outcome = Delivered | Over | Failed


class DeliverParts(NamedTuple):
    """What delivering works with."""

    audience: PushAudience
    gateway: PushGateway
    pushers: Pushers
    rooms: RoomRegistry
    timeline: TimelineStore
    readers: RoomReaders
    badges: Badges
    unread: UnreadCounts
    data: AccountData
    figures: PushFigures


class Deliver:
    """Tells a gateway what a notice is about, as it is by now."""

    def __init__(self, parts: DeliverParts) -> None:
        """Work with these."""
        self._parts = parts

    async def __call__(self, notice: Notice) -> Outcome:
        """Make one request. What was read or redacted meanwhile is not told any more.

        In its place the counts are, where the user's devices show more than there is.
        """
        pusher = await self._pusher(notice.lane)
        if pusher is None:
            return Over()
        to = addressed(pusher)
        user = notice.lane[0]
        user_id = (await self._parts.data.of(user)).user_id
        told = None
        if not notice.is_badge:
            told = await self._told(notice)
            if told is None and not await self._parts.badges.fell(user, user_id):
                return Delivered(asked=False)
        counts = await self._parts.badges.of(user, user_id)
        body = badge(counts, to.device) if told is None else notification(told, counts, to.device)
        return await self._post(notice, to, body, counts, told)

    async def _pusher(self, lane: LaneKey) -> StoredPusher | None:
        user, key = lane
        found = (await self._parts.audience.pushers([user])).get(user, ())
        return next((each for each in found if each.key == key), None)

    async def _told(self, notice: Notice) -> Told | None:
        """The event as the reader may be told of it; None where there is nothing to tell."""
        reader = (await self._parts.readers.of(notice.room_nid)).get(notice.lane[0])
        if reader is None:
            return None
        try:
            room = await self._parts.rooms.get_by_nid(notice.room_nid)
        except MatrixError:
            return None
        item = await self._item(room, notice.seq)
        if item is None or item.redacted_because is not None or self._is_over(room, reader, item):
            return None
        event = item.event
        return Told(
            event,
            reader.user_id,
            notice.tweaks,
            sender_name=display_name(room.state.get((MEMBER, event.sender))),
            room_name=_text(room.content_of(_NAME, "name")),
            room_alias=_text(room.content_of(_ALIAS, "alias")),
        )

    async def _item(self, room: Room, seq: int) -> TimelineEvent | None:
        for item in reversed(room.tail):
            if item.seq == seq:
                return item
        found = await self._parts.timeline.live_events(room, after=seq - 1, until=seq, limit=1)
        return found[0] if found else None

    def _is_over(self, room: Room, reader: Reader, item: TimelineEvent) -> bool:
        """Whether the reader has read it, or answered the invitation."""
        nid, user_id, place = reader
        if place.membership != JOIN:
            return item.event.event_id != place.event_id
        return self._parts.unread.has_read(room, user_id, nid, place, item)

    async def _post(
        self,
        notice: Notice,
        to: Addressed,
        body: dict[str, Any],
        counts: Counts,
        told: Told | None,
    ) -> Outcome:
        figures = self._parts.figures
        try:
            answer = await self._parts.gateway.notify(to.url, _encode(body))
        except ForbiddenGatewayError:
            figures.forbidden += 1
            return Failed(refused=True, by_host=False)
        except GatewayError:
            figures.failed += 1
            return Failed()
        if answer.status in OK:
            return await self._accepted(notice, to, answer, counts, told)
        if answer.status in REFUSED and answer.status not in BUSY:
            figures.refused += 1
            return Failed(refused=True, by_host=False, retry_after=answer.retry_after)
        figures.failed += 1
        return Failed(retry_after=answer.retry_after)

    async def _accepted(
        self, notice: Notice, to: Addressed, answer: Answer, counts: Counts, told: Told | None
    ) -> Outcome:
        user, _ = notice.lane
        if to.device.pushkey in answer.rejected:
            self._parts.figures.rejected += 1
            await self._parts.pushers.delete(user, PusherId(to.device.app_id, to.device.pushkey))
            return Over()
        self._parts.badges.tell(user, counts)
        if told is None:
            self._parts.figures.badges += 1
        else:
            self._parts.figures.delivered += 1
        return Delivered()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
