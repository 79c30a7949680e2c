"""The core that everything else stands on: store, writer, rooms, hub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.access import RoomAccess
from homeserver.application.keys.board import KeyBoard
from homeserver.application.keys.key_news import KeyNews
from homeserver.application.relations.aggregations import Aggregations
from homeserver.application.rooms.registry import RoomRegistry
from homeserver.application.rooms.timeline_reader import TimelineReader
from homeserver.application.sync.filler import Filler, Lent
from homeserver.application.sync.hub import Hub
from homeserver.application.sync.ignored import IgnoredUsers
from homeserver.application.sync.tail import CertifiedTail
from homeserver.application.user_data.account_data import AccountData
from homeserver.infrastructure.sql.device_changes import SqlDeviceChanges
from homeserver.infrastructure.sql.log import SqlLogReader
from homeserver.infrastructure.sql.memberships import SqlMembershipStore
from homeserver.infrastructure.sql.query import SqlDialect
from homeserver.infrastructure.sql.relation_store import SqlRelationStore
from homeserver.infrastructure.sql.room_store import SqlRoomStore
from homeserver.infrastructure.sql.slot import Company
from homeserver.infrastructure.sql.tail_reader import SqlTailReader
from homeserver.infrastructure.sql.user_data_store import SqlUserDataStore
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
    account_data: AccountData
    relations: SqlRelationStore
    aggregations: Aggregations
    key_board: KeyBoard
    key_news: KeyNews
    tail: CertifiedTail | None
    lent: Lent
    generation: bytes

    @property
    def server_name(self) -> str:
        """The server's name in ids."""
        return self.settings.current.server_name


async def build_core(
    settings: LiveSettings,
    clock: Clock,
    ids: Ids,
    database: Database,
    *,
    worker: str | None = None,
    company: Company = Company.ANY,
) -> Core:
    """Take the writer's slot and read where the logs are.

    `worker` in the place of the set name, beside the `company` that it bears. Raises
    StoreDownError.
    """
    store, hub, log = SqlRoomStore(database), Hub(), SqlLogReader(database)
    writer = GroupCommitWriter(
        database=database,
        rooms=store,
        stream=hub,
        clock=clock,
        ids=ids,
        worker=worker or settings.current.worker.name,
        company=company,
    )
    await writer.start()
    hub.start(await log.vector())
    rooms, memberships = RoomRegistry(store), SqlMembershipStore(database)
    generation = await log.generation()
    lent = Lent()
    tail = None
    if company is not Company.ALONE and database.dialect is not SqlDialect.SQLITE:
        reader = SqlTailReader(database)
        tail = CertifiedTail(
            hub=hub,
            reader=reader,
            filler=Filler(hub, rooms, store, reader, lent),
            generation=generation,
            own_slot=lambda: None if writer.fenced else writer.lease.slot,
        )
    account_data, relations = AccountData(SqlUserDataStore(database)), SqlRelationStore(database)
    hub.user_listeners.append(account_data.forget)
    changes = SqlDeviceChanges(database)
    key_board = KeyBoard(hub, changes)
    if tail is not None:
        tail.preparing.append(key_board.prepare)
    ignored = IgnoredUsers(account_data)
    return Core(
        settings=settings,
        clock=clock,
        ids=ids,
        database=database,
        writer=writer,
        hub=hub,
        store=store,
        memberships=memberships,
        log=log,
        rooms=rooms,
        access=RoomAccess(
            rooms, store, memberships, catch_up=None if tail is None else hub.catch_up
        ),
        timeline=TimelineReader(store),
        account_data=account_data,
        relations=relations,
        aggregations=Aggregations(relations, store, ignored),
        key_board=key_board,
        key_news=KeyNews(changes, key_board, writer),
        tail=tail,
        lent=lent,
        generation=generation,
    )
