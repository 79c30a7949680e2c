"""Application services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.appservices.deliver import Packing
from homeserver.application.appservices.ephemera import Ephemera
from homeserver.application.appservices.keep_told import KeepTold
from homeserver.domain.appservices.services import Services
from homeserver.infrastructure.http.service_client import HttpServiceClient
from homeserver.infrastructure.sql.service_log import SqlServiceLog
from homeserver.infrastructure.sql.service_queue import SqlServiceQueue
from homeserver.infrastructure.sql.tail_reader import SqlTailReader

if TYPE_CHECKING:
    from homeserver.application.ports.service_client import ServiceClient
    from homeserver.application.typing.board import TypingBoard
    from homeserver.bootstrap.core import Core


@dataclass(frozen=True, slots=True)
class ServiceParts:
    """What tells services what happens for as long as the process runs."""

    keep_told: KeepTold
    client: ServiceClient


def build_services(core: Core, typing: TypingBoard) -> ServiceParts:
    """Wire it; on each worker, of which one at a time tells."""

    def told() -> Services:
        services = core.settings.services
        return Services({each.id: each for each in services if each.url is not None})

    client = HttpServiceClient()
    ephemera = Ephemera(told, typing)
    packing = Packing(SqlServiceQueue(core.database), core.rooms, core.store, ephemera, core.ids)
    keep_told = KeepTold(
        services=told,
        service_log=SqlServiceLog(core.database, core.clock, lambda: core.writer.lease.holder),
        rooms=core.store,
        tail=SqlTailReader(core.database),
        hub=core.hub,
        ephemera=ephemera,
        packing=packing,
        client=client,
    )
    return ServiceParts(keep_told, client)
