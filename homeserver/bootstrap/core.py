"""The core that everything else stands on: store, writer, rooms, hub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.access import RoomAccess
from homeserver.application.rooms.registry import RoomRegistry
from homeserver.application.rooms.timeline_reader import TimelineReader
from homeserver.application.sync.filler import Filler, Lent
from homeserver.application.sync.hub import Hub
from homeserver.application.sync.tail import CertifiedTail
from homeserver.infrastructure.sql.log import SqlLogReader
from homeserver.infrastructure.sql.memberships import SqlMembershipStore
from homeserver.infrastructure.sql.query import SqlDialect
from homeserver.infrastructure.sql.room_store import SqlRoomStore
from homeserver.infrastructure.sql.tail_reader import SqlTailReader
from homeserver.infrastructure.sql.writer import GroupCommitWriter

if TYPE_CHECKING:
    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.ids import Ids
    from homeserver.config import LiveSettings
    from homeserver.infrastructure.sql.database import Database


@dataclass(frozen=True, slots=True)
class Core:
    """What the parts of the server share."""

    settings: LiveSettings
    clock: Clock
    ids: Ids
    database: Database
    writer: GroupCommitWriter
    hub: Hub
    store: SqlRoomStore
    memberships: SqlMembershipStore
    log: SqlLogReader
    rooms: RoomRegistry
    access: RoomAccess
    timeline: TimelineReader
    tail: CertifiedTail | None
    lent: Lent
    generation: bytes

    @property
    def server_name(self) -> str:
        """The server's name in ids."""
        return self.settings.current.server_name


async def build_core(settings: LiveSettings, clock: Clock, ids: Ids, database: Database) -> Core:
    """Take the writer's slot and read where the logs are."""
    store, hub, log = SqlRoomStore(database), Hub(), SqlLogReader(database)
    writer = GroupCommitWriter(
        database=database,
        rooms=store,
        stream=hub,
        clock=clock,
        ids=ids,
        worker=settings.current.worker.name,
    )
    await writer.start()
    hub.start(await log.vector())
    rooms = RoomRegistry(store)
    generation = await log.generation()
    lent = Lent()
    tail = None
    if database.dialect is not SqlDialect.SQLITE:  # which has one worker only
        reader = SqlTailReader(database)
        tail = CertifiedTail(
            hub=hub,
            reader=reader,
            filler=Filler(hub, rooms, store, reader, lent),
            generation=generation,
            own_slot=lambda: None if writer.fenced else writer.lease.slot,
        )
    return Core(
        settings=settings,
        clock=clock,
        ids=ids,
        database=database,
        writer=writer,
        hub=hub,
        store=store,
        memberships=SqlMembershipStore(database),
        log=log,
        rooms=rooms,
        access=RoomAccess(rooms, store, shared=tail is not None),
        timeline=TimelineReader(store),
        tail=tail,
        lent=lent,
        generation=generation,
    )
