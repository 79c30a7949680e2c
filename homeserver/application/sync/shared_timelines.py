"""The timelines of rooms, rendered once for all members who look at the same stretch.

When a room gets a message, all its waiting members are answered with the same bytes.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from homeserver.application.relations.bundle import NOTHING
from homeserver.application.sync.rendering import AGING, render_timeline
from homeserver.domain.rooms.membership import JOIN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.application.relations.bundle import Bundle
    from homeserver.application.rooms.timeline_reader import Page
    from homeserver.application.sync.context import Span
    from homeserver.application.sync.feed import RoomPlace
    from homeserver.application.sync.room_state import Bounds
    from homeserver.application.sync.rules import Rules
    from homeserver.domain.rooms.room import Room

KEEP_BYTES: Final = 8 * 1024 * 1024
LARGEST: Final = 128 * 1024
_OVERHEAD: Final = 512
_NO_DEVICE: Final = 0


class SharedTimeline(NamedTuple):
    """A stretch of a room as readers with these rules get it.

    `senders` are the devices that sent some of it: their copy has the transaction ids.
    `participants` are the users whose copy says that they take part in a thread.
    """

    rules: Rules
    page: Page
    body: bytes
    senders: frozenset[int | None]
    bundles: Mapping[str, Bundle] = NOTHING
    participants: frozenset[str] = frozenset()

    def rendered(self, span: Span, bounds: Bounds) -> bytes:
        """What one reader gets."""
        device, user_id = span.requester.device_nid, span.requester.user_id
        if device not in self.senders and user_id not in self.participants:
            return self.body
        return render_timeline(
            span.rules,
            self.page,
            always_joined,
            bounds.until,
            device,
            now_ms=span.now_ms,
            user_id=user_id,
            bundles=self.bundles,
        )


class SharedTimelines:
    """Keeps those that were asked for last.

    Events never change but by a redaction, which is an event itself and so moves the end of
    the stretch: what is kept is never outdated. So it is with what relates to them, which is
    told as it was at the end of the stretch. A purge makes other stretches.
    """

    def __init__(self, keep_bytes: int = KEEP_BYTES) -> None:
        """Keep up to so many bytes."""
        self._keep = keep_bytes
        self._held: OrderedDict[tuple[int, ...], SharedTimeline] = OrderedDict()
        self._bytes = 0

    def find(self, span: Span, room: Room, bounds: Bounds) -> SharedTimeline | None:
        """What another member was given; for who reads what all read (`is_common`)."""
        return self._held.get(_key(span, room, bounds))

    def render(
        self, span: Span, room: Room, bounds: Bounds, page: Page, bundles: Mapping[str, Bundle]
    ) -> SharedTimeline:
        """Render a page for all, and keep it unless it says how old something is."""
        body = render_timeline(
            span.rules,
            page,
            always_joined,
            bounds.until,
            _NO_DEVICE,
            now_ms=span.now_ms,
            bundles=bundles,
        )
        senders = frozenset([item.txn_device for item in page.events])
        made = SharedTimeline(span.rules, page, body, senders)
        if bundles:
            made = _with_bundles(made, bundles)
        ages = any(item.event.type == AGING for item in page.events)
        if len(body) <= LARGEST and not ages:
            # the rules are held by what is kept, so that no others get their id
            self._held[_key(span, room, bounds)] = made
            self._bytes += len(body) + _OVERHEAD
            while self._bytes > self._keep:
                _, oldest = self._held.popitem(last=False)
                self._bytes -= len(oldest.body) + _OVERHEAD
        return made


def _key(span: Span, room: Room, bounds: Bounds) -> tuple[int, ...]:
    return room.nid, bounds.after, bounds.until, id(span.rules), room.floor.seq


def _with_bundles(made: SharedTimeline, bundles: Mapping[str, Bundle]) -> SharedTimeline:
    """Note who gets something else: who takes part in a thread, who sent what is told beside."""
    threads = [each.thread for each in bundles.values() if each.thread is not None]
    beside = [each.beside_latest for each in threads if each.beside_latest is not None]
    items = [thread.latest for thread in threads]
    items += [each.edit for each in (*bundles.values(), *beside) if each.edit is not None]
    users = [user for thread in threads for user in thread.participants]
    return made._replace(
        senders=made.senders.union(item.txn_device for item in items),
        bundles=bundles,
        participants=frozenset(users),
    )


def is_common(span: Span, place: RoomPlace, bounds: Bounds) -> bool:
    """Whether nothing of a timeline depends on its reader, but for who sent it.

    The reader has been joined all along, so every visibility shows the events.
    """
    return (
        span.rules.plain
        and not span.ignored
        and not bounds.fresh
        and place.seq <= bounds.after
        and span.since is not None
        and span.since.covers(place.slot, place.pos)
    )


def always_joined(_seq: int) -> str:
    """The membership of who was joined during all of a stretch."""
    return JOIN
