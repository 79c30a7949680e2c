"""A service's transactions, one after another ("Pushing events")."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from msgspec import Raw

from homeserver.application.appservices.messages import own_inboxes, shown_messages
from homeserver.application.ports.service_client import Call, ServiceAwayError
from homeserver.application.ports.service_log import Parcel
from homeserver.application.rooms.render import unsigned_of
from homeserver.domain.events.client_format import client_event
from homeserver.domain.rooms.membership import JOIN
from homeserver.domain.shared.canonical_json import encode_json
from homeserver.domain.shared.errors import NotFoundError
from homeserver.domain.to_device.message import AT_ONCE, fitting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from homeserver.application.appservices.ephemera import Ephemera
    from homeserver.application.ports.ids import Ids
    from homeserver.application.ports.service_client import ServiceClient
    from homeserver.application.ports.service_log import Copied, Queued, ServiceQueue
    from homeserver.application.ports.timeline_store import TimelineStore
    from homeserver.application.rooms.registry import RoomRegistry
    from homeserver.domain.appservices.registration import Registration
    from homeserver.domain.rooms.timeline import TimelineEvent

EVENTS_AT_ONCE: Final = 100
EVENT_BYTES: Final = 512 * 1024
"""Bytes of events in a transaction, but for the first one: bridges take 1 MiB, by aiohttp's default."""
MESSAGE_BYTES: Final = 128 * 1024
"""Bytes of messages to devices in a transaction, but for the first one; each stands there twice."""
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
ANSWER_SECONDS: Final = 30.0
log = logging.getLogger(__name__)


class Packing:
    """Makes transactions of what waits for a service."""

    def __init__(
        self,
        queue: ServiceQueue,
        rooms: RoomRegistry,
        store: TimelineStore,
        ephemera: Ephemera,
        ids: Ids,
    ) -> None:
        """Read events here."""
        self.queue = queue
        self._rooms = rooms
        self._store = store
        self._ephemera = ephemera
        self._ids = ids

    async def next(self, service: Registration, last: Parcel) -> Parcel | None:
        """Make and store the one that follows on a transaction that was taken.

        None where there is nothing to tell.
        """
        waiting = await self.queue.waiting(service.id, last.upto, EVENTS_AT_ONCE)
        # after the events: the key of one was sent before it
        copies, all_here = await self._copies(service)
        if not all_here:
            waiting = ()
        ephemeral = self._ephemera.take(service)
        if not waiting and not ephemeral and not copies:
            return None
        upto, events = fitting_events(waiting, await self._found(waiting))
        body: dict[str, Any] = {"events": events, **shown_messages(copies)}
        if ephemeral:
            body["ephemeral"] = ephemeral
        # not a count: a store that was restored must not give out an id for the second time
        txn_id = self._ids.opaque_id()
        new = Parcel(0, upto or last.upto, txn_id, encode_json(body), own_inboxes(service, copies))
        return await self.queue.pack(service.id, last, new, copies)

    async def _copies(self, service: Registration) -> tuple[Sequence[Copied], bool]:
        """The messages to devices that go next, and whether no more are waiting."""
        if not service.hears_messages:
            return (), True
        found = await self.queue.copies(service.id, AT_ONCE + 1)
        chosen = fitting([(each, each.body) for each in found], MESSAGE_BYTES)
        return [each for each, _ in chosen], len(chosen) == len(found)

    async def _found(self, waiting: Sequence[Queued]) -> dict[tuple[int, int], TimelineEvent]:
        """The events by room (nid) and position, but for those of rooms that were deleted."""
        places: dict[int, list[tuple[int, int]]] = {}
        for each in waiting:
            places.setdefault(each.room_nid, []).append((each.seq, 0))
        found: dict[tuple[int, int], TimelineEvent] = {}
        for nid, wanted in places.items():
            try:
                room = await self._rooms.get_by_nid(nid)
            except NotFoundError:
                continue
            items = await self._store.at(room, wanted)
            found.update({(nid, seq): item for (seq, _), item in items.items()})
        return found


def fitting_events(
    waiting: Sequence[Queued], found: Mapping[tuple[int, int], TimelineEvent]
) -> tuple[int, list[Raw]]:
    """The events that one transaction holds, and the number of the last one that it is done with.

    Those that are not found are passed over. The number is 0 where none waits.
    """
    upto = size = 0
    events: list[Raw] = []
    for each in waiting:
        item = found.get((each.room_nid, each.seq))
        if item is not None:
            event = Raw(encode_json(_shown(item)))
            size += len(event)
            if events and size > EVENT_BYTES:
                break
            events.append(event)
        upto = each.number
    return upto, events


def _shown(item: TimelineEvent) -> dict[str, Any]:
    """An event in the client format; a membership of the reader's there is none."""
    unsigned = unsigned_of(item, membership=JOIN, device_nid=-1)
    del unsigned["membership"]
    return client_event(item.event, with_room_id=True, unsigned=unsigned)


class Deliver:
    """Delivers to one service: one transaction at a time, again and again until it is taken."""

    def __init__(self, service: Registration, packing: Packing, client: ServiceClient) -> None:
        """Deliver what is packed."""
        self.service = service
        self._packing = packing
        self._client = client
        self._news = asyncio.Event()
        self._pause = FIRST_PAUSE

    def wake(self) -> None:
        """There is something to tell."""
        self._news.set()

    async def __call__(self) -> None:
        """Run until cancelled. Raises RoleLostError, and the store's errors."""
        parcel = await self._packing.queue.parcel(self.service.id)
        while True:
            if parcel.body and not await self._send(parcel):
                continue
            self._news.clear()
            began = asyncio.get_running_loop().time()
            new = await self._packing.next(self.service, parcel)
            if new is None and parcel.body:
                parcel = await self._packing.queue.done(self.service.id, parcel)
            elif new is None:
                await self._news.wait()
                continue
            else:
                parcel = new
            # an embedded server's writer shares the store: leave it as much time
            await asyncio.sleep(asyncio.get_running_loop().time() - began)

    async def _send(self, parcel: Parcel) -> bool:
        """Try once; after a failure wait, longer each time."""
        path = f"/transactions/{parcel.txn_id}"
        call = Call("PUT", path, legacy=path, body=parcel.body)
        try:
            reply = await self._client(self.service, call, ANSWER_SECONDS)
            problem = "" if reply.ok else f"status {reply.status}"
        except ServiceAwayError as error:
            problem = str(error) or type(error).__name__
        if not problem:
            self._pause = FIRST_PAUSE
            return True
        log.warning("appservice.not_taken: %s: %s", self.service.id, problem)
        await asyncio.sleep(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        return False
