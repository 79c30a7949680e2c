"""From the logs of all writers to the queues of services: each event once, in room order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from homeserver.application.appservices.room_watch import NEWEST, RoomWatch
from homeserver.application.ports.search_log import Stretch
from homeserver.application.ports.service_log import Queued
from homeserver.application.ports.tail import COPIED, MOVED, STIRRED
from homeserver.domain.appservices.services import Services
from homeserver.domain.sync.vector import Vector

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from homeserver.application.appservices.ephemera import Ephemera
    from homeserver.application.ports.room_store import RoomStore
    from homeserver.application.ports.search_log import LoggedEvent
    from homeserver.application.ports.service_log import ServiceCursor, ServiceLog
    from homeserver.application.ports.tail import BatchRow, TailReader
    from homeserver.domain.appservices.interest import RoomInterest

BATCHES_AT_ONCE: Final = 1000
ROOMS_AT_ONCE: Final = 64
EVENTS_AT_ONCE: Final = 400
UNSTORED_BATCHES: Final = 2_000
"""Batches that concern no service after which the cursor is stored all the same."""


class WatchLogs:
    """Follows the logs for the services. Its holder's alone: see `ServiceLog.take`.

    Each step reads all up to one instant: such a cut has, with an event, all before it in its
    room, so the cursor alone tells what of a room was read.
    """

    def __init__(
        self,
        services: Callable[[], Services],
        log: ServiceLog,
        rooms: RoomStore,
        tail: TailReader,
        ephemera: Ephemera,
        cursor: ServiceCursor,
    ) -> None:
        """Go on from a cursor that was taken; a service that is new hears of what comes from now on."""
        self._services = services
        self._log = log
        self._rooms = rooms
        self._tail = tail
        self._ephemera = ephemera
        self._cursor = cursor
        self._watch = RoomWatch(Services(), log, rooms)
        self._unstored = 0

    @property
    def watch(self) -> RoomWatch:
        """What services have to do with rooms."""
        return self._watch

    @property
    def vector(self) -> Vector:
        """How far the logs were read."""
        return Vector(self._cursor.vector)

    async def __call__(self) -> set[str]:
        """Read what came since the last call; give the services that have something to hear.

        Raises RoleLostError, and the store's errors; after any of them the role is to be taken
        anew.
        """
        _, upto = await self._tail.positions()
        services = self._services()
        known = [each for each in services if each.id in self._cursor.queued]
        new = [each.id for each in services if each.id not in self._cursor.queued]
        wanted, queued = await self._cut(Services({each.id: each for each in known}), upto)
        if services:
            last = {**self._cursor.queued, **dict.fromkeys(new, 0)}
            self._cursor = replace(self._cursor, vector=upto, queued=last)
        if queued or new or self._unstored > UNSTORED_BATCHES:
            await self._store(queued)
        return wanted | set(new)  # whose messages may have come before anybody looked

    async def _cut(
        self, services: Services, upto: Mapping[int, int]
    ) -> tuple[set[str], list[Queued]]:
        """What came since the last instant for services that were there then."""
        if services != self._watch.services:
            self._watch = RoomWatch(services, self._log, self._rooms)
        at = dict(self._cursor.vector or {})
        ahead = {slot: pos for slot, pos in upto.items() if at.get(slot, 0) < pos}
        if not ahead or not services:
            return set(), []
        seen = await self._touched(at, ahead)
        self._unstored += seen.batches
        queued = self._number(await self._read(seen.heads, seen.moved))
        wanted = {each.service_id for each in queued}
        if seen.copied:
            wanted |= {each.id for each in services if each.hears_messages}
        return wanted | await self._stir(seen.stirred, seen.heads), queued

    async def _touched(self, at: dict[int, int], ahead: Mapping[int, int]) -> _Touched:
        seen = _Touched()
        while rows := await self._tail.batches(at, ahead, BATCHES_AT_ONCE):
            for row in rows:
                seen.note(row)
                at[row.slot] = row.pos_to
            if len(rows) < BATCHES_AT_ONCE:
                break
        return seen

    async def _read(self, heads: dict[int, int], moved: set[int]) -> list[tuple[LoggedEvent, str]]:
        """The new events with the services that they concern."""
        found: list[tuple[LoggedEvent, str]] = []
        nids = sorted(heads)
        for start in range(0, len(nids), ROOMS_AT_ONCE):
            some = {nid: heads[nid] for nid in nids[start : start + ROOMS_AT_ONCE]}
            known = await self._watch.look(some, self.vector)
            stretches = {}
            for nid, interest in known.items():
                if interest.seq >= some[nid]:
                    if nid in moved:  # the state was resolved anew, without an event
                        self._watch.forget(nid)
                elif interest.is_any or nid in moved:
                    stretches[nid] = Stretch((interest.seq, 0), some[nid])
                else:
                    interest.seq = some[nid]  # nothing but events that concern nobody
            found += await self._follow(stretches, known)
        return found

    async def _follow(
        self, stretches: dict[int, Stretch], known: Mapping[int, RoomInterest]
    ) -> list[tuple[LoggedEvent, str]]:
        found: list[tuple[LoggedEvent, str]] = []
        while stretches:
            items = await self._log.events(stretches, EVENTS_AT_ONCE)
            for item in items:
                nid, seq, back = item.place
                if back == 0:
                    found += [(item, each) for each in known[nid].follow(item.event, seq)]
            if len(items) < EVENTS_AT_ONCE:
                break
            cut, seq, back = items[-1].place
            stretches = {nid: each for nid, each in stretches.items() if nid >= cut}
            stretches[cut] = Stretch((seq, back), stretches[cut].until)
        return found

    def _number(self, found: Sequence[tuple[LoggedEvent, str]]) -> list[Queued]:
        """Put events behind those in the queues: rooms in order, mixed by time."""
        last = dict(self._cursor.queued)
        queued = []
        for item, service_id in _by_time(found):
            last[service_id] += 1
            nid, seq, _ = item.place
            queued.append(Queued(service_id, last[service_id], nid, seq))
        self._cursor = replace(self._cursor, queued=last)
        return queued

    async def _stir(self, stirred: set[int], heads: Mapping[int, int]) -> set[str]:
        """Note the receipts of rooms that a service hears of."""
        if not stirred or not any(each.receive_ephemeral for each in self._watch.services):
            return set()
        receipts = await self._tail.receipts(stirred, self.vector)
        seqs = {nid: heads.get(nid, NEWEST) for nid in receipts}
        known = await self._watch.look(seqs, self.vector)
        wanted: set[str] = set()
        for nid, interest in known.items():
            wanted |= self._ephemera.note_receipts(interest, receipts[nid])
        return wanted

    async def _store(self, queued: Sequence[Queued]) -> None:
        self._cursor = await self._log.store(self._cursor, queued)
        self._unstored = 0


@dataclass(slots=True)
class _Touched:
    """What some batches touched.

    Rooms that grew with their last positions, those that did more, and those that stirred;
    whether messages to devices were copied.
    """

    heads: dict[int, int] = field(default_factory=dict)
    moved: set[int] = field(default_factory=set)
    stirred: set[int] = field(default_factory=set)
    copied: bool = False
    batches: int = 0

    def note(self, row: BatchRow) -> None:
        self.batches += 1
        self.copied = self.copied or any(how & COPIED for how in row.users.values())
        for nid, seq, how in row.rooms:
            if how & STIRRED:
                self.stirred.add(nid)
            if how & ~STIRRED:
                self.heads[nid] = max(seq, self.heads.get(nid, 0))
            if how & MOVED:
                self.moved.add(nid)


def _by_time(found: Sequence[tuple[LoggedEvent, str]]) -> list[tuple[LoggedEvent, str]]:
    """Events of several rooms in the order of their times, those of a room as they stand."""
    newest: dict[int, int] = {}
    times = []
    for item, _ in found:
        nid = item.place[0]
        newest[nid] = max(newest.get(nid, 0), item.event.origin_server_ts)
        times.append(newest[nid])
    order = sorted(range(len(found)), key=times.__getitem__)
    return [found[i] for i in order]
