"""Rooms in a real store, filled quickly: events are built and stored, not authorised."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import select

from homeserver.application.access import RoomAccess
from homeserver.application.memo import Memo
from homeserver.application.relations.aggregations import Aggregations
from homeserver.application.relations.related_by import RelatedBy
from homeserver.application.requester import Requester
from homeserver.application.rooms.compose import NewEvent, Transaction, append
from homeserver.application.rooms.event_at_time import EventAtTime
from homeserver.application.rooms.get_context import GetContext
from homeserver.application.rooms.get_event import GetEvent
from homeserver.application.rooms.get_members import GetMembers
from homeserver.application.rooms.get_messages import GetMessages
from homeserver.application.rooms.get_state import GetState
from homeserver.application.rooms.joined_members import JoinedMembers
from homeserver.application.rooms.joined_rooms import JoinedRooms
from homeserver.application.rooms.log_scan import LogScan
from homeserver.application.rooms.mutual_rooms import ListMutualRooms
from homeserver.application.rooms.points import Points
from homeserver.application.rooms.registry import RoomRegistry
from homeserver.application.rooms.state_reader import StateReader
from homeserver.application.rooms.timeline_reader import TimelineReader
from homeserver.application.sync.hub import Hub
from homeserver.application.sync.ignored import IgnoredUsers
from homeserver.application.sync.timeline_relations import TimelineRelations
from homeserver.application.user_data.account_data import AccountData
from homeserver.domain.appservices.services import Services
from homeserver.domain.events.build import build_event
from homeserver.domain.events.redacted import redacted_event
from homeserver.domain.rooms.room import Room
from homeserver.domain.rooms.timeline import TimelineEvent
from homeserver.domain.rooms.versions import ROOM_VERSIONS
from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.embedded.ids import SystemIds
from homeserver.infrastructure.embedded.shared_cache import MemoryCache
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql import writes as w
from homeserver.infrastructure.sql.log import SqlLogReader
from homeserver.infrastructure.sql.memberships import SqlMembershipStore
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.relation_store import SqlRelationStore
from homeserver.infrastructure.sql.room_rows import _event
from homeserver.infrastructure.sql.room_store import SqlRoomStore
from homeserver.infrastructure.sql.user_data_store import SqlUserDataStore
from homeserver.infrastructure.sql.writer import GroupCommitWriter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import Head
    from homeserver.infrastructure.sql.database import Database, Reader
    from homeserver.infrastructure.sql.query import SqlDialect

ALICE, BOB, CAROL, DAVE = (f"@{name}:a.example" for name in ("alice", "bob", "carol", "dave"))
NIDS = {ALICE: 1, BOB: 2, CAROL: 3, DAVE: 4}
NOBODYS_DEVICE = 999
_COUNT = count()
USERS = Query(select(t.matrix_user.c.nid))
VERSION = ROOM_VERSIONS["11"]


def requester(user_id: str, device_nid: int = 0) -> Requester:
    """Somebody with a token."""
    return Requester(user_id, NIDS[user_id], "D", device_nid or 10 * NIDS[user_id])


class CountingDatabase:
    """A database that counts SELECTs by their first table."""

    def __init__(self, database: Database) -> None:
        """Count in front of this one."""
        self._db = database
        self.dialect: SqlDialect = database.dialect
        self.has_full_text: bool = database.has_full_text
        self.count = 0

    async def fetch(self, query: Query, **params: Any) -> Any:
        """Count and pass on."""
        self.count += 1
        return await self._db.fetch(query, **params)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Reader]:
        """Count inside the snapshot too."""
        async with self._db.snapshot() as reader:
            yield _CountingReader(self, reader)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)


class _CountingReader:
    def __init__(self, owner: CountingDatabase, reader: Reader) -> None:
        self._owner, self._reader = owner, reader

    async def fetch(self, query: Query, **params: Any) -> Any:
        self._owner.count += 1
        return await self._reader.fetch(query, **params)


@dataclass(frozen=True)
class Put:
    """One event to be; `state_key` None for messages."""

    sender: str
    type: str = "m.room.message"
    content: dict[str, Any] = field(default_factory=lambda: {"msgtype": "m.text", "body": "x"})
    state_key: str | None = None
    redacts: str | None = None
    txn: Transaction | None = None


def member(user_id: str, membership: str, sender: str | None = None) -> Put:
    """A change of membership."""
    content = {"membership": membership, "displayname": user_id[1:4]}
    return Put(sender or user_id, "m.room.member", content, user_id)


def visibility(value: str) -> Put:
    """A change of the history visibility."""
    return Put(ALICE, "m.room.history_visibility", {"history_visibility": value}, "")


def says(user_id: str, body: str = "x") -> Put:
    """A message."""
    return Put(user_id, content={"msgtype": "m.text", "body": body})


class World:
    """One worker over a store."""

    def __init__(self, database: Database, writer: GroupCommitWriter, hub: Hub) -> None:
        """Wire as the composition root does."""
        self.database = CountingDatabase(database)
        self.writer = writer
        self.hub = hub
        self.store = SqlRoomStore(self.database)
        self.cache = MemoryCache(SystemClock(), max_bytes=1 << 20)
        self._wire()

    def _wire(self) -> None:
        self.rooms = RoomRegistry(self.store)
        places = SqlMembershipStore(self.database)
        self.access = RoomAccess(self.rooms, self.store, places)
        self.reader = TimelineReader(self.store)
        self.state = StateReader(self.store)
        self.scan = LogScan(self.store)
        self.points = Points(
            self.reader, SqlLogReader(self.database), lambda: self.writer.lease.generation
        )
        relations = SqlRelationStore(self.database)
        self.ignored = IgnoredUsers(AccountData(SqlUserDataStore(self.database)))
        beside, related = Aggregations(relations, self.store, self.ignored), RelatedBy(relations)
        self.beside = TimelineRelations(beside, related)
        self.messages = GetMessages(
            self.access, self.scan, self.points, self.state, beside, related
        )
        self.context = GetContext(self.access, self.store, self.scan, self.state, beside, related)
        self.event = GetEvent(self.access, self.store, beside)
        self.get_state = GetState(self.access, self.state, self.store)
        self.members = GetMembers(self.access, self.state, self.points)
        self.at_time = EventAtTime(self.access, self.store, self.scan)
        self.joined_members = JoinedMembers(self.access, Memo(self.cache), Services)
        self.mutual_rooms = ListMutualRooms(places, self, self.store)
        self.joined_rooms = JoinedRooms(self.hub, places, self.rooms, self.store)

    async def nid_of(self, user_id: str, *, create: bool) -> int | None:
        """See `Users.nid_of`."""
        return NIDS.get(user_id)

    async def exists_locally(self, user_id: str) -> bool:
        """See `Users.exists_locally`."""
        return user_id in NIDS

    async def room(self, *puts: Put) -> Room:
        """A new room that Alice created and joined, and what else is put."""
        room_id = f"!{uuid4().hex}:a.example"
        room = Room(self.writer.new_nid(), room_id, VERSION)

        def change(draft: Draft) -> None:
            self.store.add_room(draft, room, NIDS[ALICE])
            create = Put(ALICE, "m.room.create", {"room_version": VERSION.id}, "")
            for put in (create, member(ALICE, "join"), *puts):
                add(draft, room, put)

        await self.writer.submit(change)
        self.rooms.add(room)
        return room

    async def put(self, room: Room, *puts: Put) -> list[TimelineEvent]:
        """Append to a room, in one batch."""
        return await self.writer.submit(lambda draft: [add(draft, room, put) for put in puts])

    async def redact(self, room: Room, event_id: str) -> TimelineEvent:
        """Strip an event, as a redaction by Alice does."""
        target = await self.store.event(room, event_id)
        assert target is not None

        def change(draft: Draft) -> TimelineEvent:
            content = {"redacts": event_id, "reason": "spam"}
            by = add(draft, room, Put(ALICE, "m.room.redaction", content, redacts=event_id))
            stripped = TimelineEvent(
                redacted_event(target.event, room.version),
                seq=target.seq,
                slot=target.slot,
                pos=target.pos,
                sender_nid=target.sender_nid,
                notify_ord=target.notify_ord,
                redacted_because=by.event,
            )
            state = draft.room(room)
            state.redacted.append(stripped)
            state.redactions.append((event_id, by.event.event_id))
            return by

        return await self.writer.submit(change)

    async def history(self, room: Room, behind: int, *puts: Put) -> None:
        """Store events that arrived late, just behind the live event `behind`; newest first."""

        def change(draft: Draft) -> None:
            for back, put in enumerate(puts, start=1):
                item = TimelineEvent(
                    _built(room, put, draft.now, room.head.depth),
                    seq=behind,
                    back=-back,
                    slot=draft.slot,
                    pos=draft.next_pos(),
                    sender_nid=NIDS[put.sender],
                    notify_ord=0,
                )
                draft.write(w.INSERT_EVENT, _event(room.nid, item))

        await self.writer.submit(change)

    async def reload(self, room: Room) -> Room:
        """Forget the room and load it again."""
        self._wire()
        return await self.rooms.get(room.room_id)

    async def log(self, room: Room) -> Sequence[TimelineEvent]:
        """The whole log from the store."""
        return await self.store.events(
            room, after=(0, 0), before=(1 << 60, 0), limit=1 << 20, newest=False
        )


def add(draft: Draft, room: Room, put: Put) -> TimelineEvent:
    """Append one event without asking the rules."""
    state = draft.room(room)
    event = _built(room, put, draft.now + state.head.seq, state.head.depth + 1, state.head)
    target = NIDS[put.state_key or ""] if put.type == "m.room.member" else None
    new = NewEvent(put.type, put.content, put.state_key, put.redacts, target)
    txn = put.txn
    if txn is None and put.state_key is None:
        number = next(_COUNT)  # sent here, as what clients send is
        txn = Transaction(NOBODYS_DEVICE, f"t{number}", number.to_bytes(16, "big"))
    return append(draft, state, event, sender_nid=NIDS[put.sender], new=new, txn=txn)


def _built(room: Room, put: Put, ts: int, depth: int, head: Head | None = None) -> Event:
    return build_event(
        room.version,
        room_id=room.room_id,
        sender=put.sender,
        type=put.type,
        state_key=put.state_key,
        content={**put.content, "test.n": next(_COUNT)},
        origin_server_ts=ts,
        depth=depth,
        auth_events=[],
        prev_events=list(head.extremities) if head else [],
        redacts=put.redacts,
    )


@asynccontextmanager
async def open_world(database: Database, worker: str = "w1") -> AsyncIterator[World]:
    """Run one worker over a store; the users exist."""
    hub = Hub()
    writer = GroupCommitWriter(
        database=database,
        rooms=SqlRoomStore(database),
        stream=hub,
        clock=SystemClock(),
        ids=SystemIds(),
        worker=worker,
    )
    lease = await writer.start()
    hub.start({lease.slot: lease.pos})
    if not await database.fetch(USERS):

        def users(draft: Draft) -> None:
            for user_id, nid in NIDS.items():
                draft.write(w.INSERT_USER, (nid, user_id.encode()))

        await writer.submit(users)
    try:
        yield World(database, writer, hub)
    finally:
        await writer.stop()
