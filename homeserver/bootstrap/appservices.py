"""Application services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.appservices.ask_services import AskServices
from homeserver.application.appservices.deliver import Packing
from homeserver.application.appservices.ephemera import Ephemera
from homeserver.application.appservices.keep_told import KeepTold
from homeserver.application.appservices.ping import PingService
from homeserver.application.appservices.show_in_network import ShowInNetwork
from homeserver.application.appservices.third_party import ThirdParty
from homeserver.domain.appservices.services import Services
from homeserver.infrastructure.http.service_client import HttpServiceClient
from homeserver.infrastructure.sql.directory import SqlDirectoryStore
from homeserver.infrastructure.sql.service_log import SqlServiceLog
from homeserver.infrastructure.sql.service_queue import SqlServiceQueue
from homeserver.infrastructure.sql.tail_reader import SqlTailReader
from homeserver.presentation.client.appservices import appservice_routes
from homeserver.presentation.client.third_party import third_party_routes

if TYPE_CHECKING:
    from homeserver.application.ports.service_client import ServiceClient
    from homeserver.bootstrap.core import Core
    from homeserver.bootstrap.sync import SyncParts
    from homeserver.presentation.routing import Route


@dataclass(frozen=True, slots=True)
class ServiceParts:
    """The routes, and the ways to services."""

    routes: tuple[Route, ...]
    client: ServiceClient
    ask: AskServices


def build_services(core: Core) -> ServiceParts:
    """Wire what goes from requests to services."""

    def services() -> Services:
        return core.settings.services

    client = HttpServiceClient()
    routes = (
        *appservice_routes(
            PingService(services, client, core.clock),
            ShowInNetwork(core.access, SqlDirectoryStore(core.database), core.writer),
        ),
        *third_party_routes(ThirdParty(services, client)),
    )
    return ServiceParts(routes, client, AskServices(services, client))


def build_keep_told(core: Core, parts: ServiceParts, sync: SyncParts) -> KeepTold:
    """Wire what tells services what happens; on each worker, of which one at a time tells."""

    def told() -> Services:
        services = core.settings.services
        return Services({each.id: each for each in services if each.url is not None})

    ephemera = Ephemera(told, sync.typing, sync.presence, core.clock)
    packing = Packing(SqlServiceQueue(core.database), core.rooms, core.store, ephemera, core.ids)
    return KeepTold(
        services=told,
        service_log=SqlServiceLog(core.database, core.clock, lambda: core.writer.lease.holder),
        rooms=core.store,
        tail=SqlTailReader(core.database),
        hub=core.hub,
        ephemera=ephemera,
        packing=packing,
        client=parts.client,
    )
