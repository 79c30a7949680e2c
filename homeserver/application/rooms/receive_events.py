"""Events from other servers: judged, placed, or kept out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.rooms.door import Door
from homeserver.application.rooms.judge import Judge, Offered
from homeserver.application.rooms.known_events import KnownEvents, UnreadError
from homeserver.application.rooms.placing import Placing
from homeserver.application.rooms.put_out_guests import UnreadGuestsError
from homeserver.application.rooms.room_graph import RoomGraph
from homeserver.application.rooms.server_acls import ServerAcls
from homeserver.domain.rooms.auth import NO_SIGNATURES
from homeserver.domain.rooms.guest_access import is_open_to_guests
from homeserver.domain.rooms.resolution import MissingEventError
from homeserver.domain.rooms.verdict import Missing, Unasked
from homeserver.domain.shared.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from homeserver.application.ports.branch_store import BranchStore
    from homeserver.application.ports.room_store import RoomStore
    from homeserver.application.ports.timeline_store import TimelineStore
    from homeserver.application.ports.users import Users
    from homeserver.application.ports.writer import Writer
    from homeserver.application.rooms.put_out_guests import PutOutGuests
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.auth import Signatures
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.verdict import Verdict

MAX_READS = 2000
MAX_RACES = 5


class ReceiveEvents:
    """Takes in events whose format, hashes and signatures were checked."""

    def __init__(
        self,
        *,
        rooms: RoomStore,
        timeline: TimelineStore,
        branches: BranchStore,
        users: Users,
        writer: Writer,
        new_nid: Callable[[], int],
        guests: PutOutGuests,
        signatures: Signatures = NO_SIGNATURES,
    ) -> None:
        """Read and write through these; `new_nid` gives internal ids.

        `guests` leave with the events that close a room to them.
        """
        self._guests = guests
        self._rooms = rooms
        self._timeline = timeline
        self._branches = branches
        self._users = users
        self._writer = writer
        self._new_nid = new_nid
        self._signatures = signatures
        self._acls = ServerAcls()

    async def __call__(
        self,
        room: Room,
        events: Sequence[Event],
        *,
        auth_events: Mapping[str, Event] | None = None,
        states: Mapping[str, Collection[str]] | None = None,
        history_only: bool = False,
        origin: str | None = None,
    ) -> list[Verdict]:
        """Return each event's verdict once all that follows from it is durable.

        `events` stand so that what an event follows comes before it. `auth_events` are others
        that they cite, by id; `states` maps events whose previous events are not known to the
        ids of the whole state before them, each event of it known or among `auth_events`.
        `history_only` is for what was fetched to fill gaps: nothing of it is new. `origin` is
        the server that sends them, None where we asked for them.
        Raises ForbiddenError where the room's ACL denies the origin, and UnavailableError.
        """
        offered = Offered(auth_events or {}, states or {})
        for _ in range(MAX_RACES):
            raced = UnavailableError("Somebody else stored the same events")
            try:
                verdicts = await self._receive(
                    room, events, offered, raced, history_only=history_only, origin=origin
                )
            except UnavailableError as error:
                if error is not raced:
                    raise
                await self._rooms.refresh(room)
                continue
            if not _may_be_outdated(verdicts) or not await self._rooms.refresh(room):
                return verdicts
        raise raced

    async def _receive(
        self,
        room: Room,
        events: Sequence[Event],
        offered: Offered,
        raced: UnavailableError,
        *,
        history_only: bool,
        origin: str | None,
    ) -> list[Verdict]:
        """Read, judge and place; again with what turned out to be needed."""
        known = KnownEvents(room, self._timeline, self._branches, self._users)
        await known.look_up(events, offered.events.values())
        look = self._guests.begin()

        def change(draft: Draft) -> list[Verdict]:
            state = draft.room(room)
            known.check_head(state.base)
            if origin is not None:
                self._acls.check(state, origin)
            was_open = is_open_to_guests(state)
            door = self._door(draft, room, known, offered)
            verdicts = door.receive(events, history_only=history_only)
            look.leave(draft, room, was_open=was_open)
            return verdicts

        for _ in range(MAX_READS):
            try:
                return await self._writer.submit(change, conflict=raced)
            except (MissingEventError, UnreadError) as error:
                await known.read(error)
            except UnreadGuestsError as error:
                await look.read(error)
        raise UnavailableError("These events need too much of the room's past")

    def _door(self, draft: Draft, room: Room, known: KnownEvents, offered: Offered) -> Door:
        state = draft.room(room)
        graph = RoomGraph(state, known)
        judge = Judge(state, graph, offered, self._signatures)
        placing = Placing(draft, state, graph, judge, known, self._new_nid)
        return Door(state, graph, judge, placing)


def _may_be_outdated(verdicts: Sequence[Verdict]) -> bool:
    """Whether a room that another worker moved would judge otherwise.

    What is stored clashes then; what was neither asked for nor had its past here stores nothing,
    and nobody would notice.
    """
    return any(isinstance(verdict, Missing | Unasked) for verdict in verdicts)
