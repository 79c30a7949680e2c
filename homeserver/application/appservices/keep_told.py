"""The role that tells services what happens: on one worker at a time, whichever lives."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from homeserver.application.appservices.deliver import Deliver
from homeserver.application.appservices.room_watch import NEWEST
from homeserver.application.appservices.watch_logs import WatchLogs
from homeserver.application.role_work import RoleWork

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from homeserver.application.appservices.deliver import Packing
    from homeserver.application.appservices.ephemera import Ephemera
    from homeserver.application.ports.room_store import RoomStore
    from homeserver.application.ports.service_client import ServiceClient
    from homeserver.application.ports.service_log import ServiceLog
    from homeserver.application.ports.tail import TailReader
    from homeserver.application.sync.hub import Hub
    from homeserver.domain.appservices.interest import RoomInterest
    from homeserver.domain.appservices.registration import Registration
    from homeserver.domain.appservices.services import Services

PAUSE_SECONDS: Final = 0.2
"""Between two looks at the logs: what comes meanwhile goes together."""
LOOK_SECONDS: Final = 5.0
"""How often the others look whether the holder lives, and the holder without being woken."""
TYPING_SECONDS: Final = 0.5
"""How often the holder looks who types, where a service wants to know."""
log = logging.getLogger(__name__)


class KeepTold(RoleWork):
    """Runs until it is stopped. Without services it does nothing but look for some."""

    ROLE = "appservice"
    FAILED = "appservice.not_followed"

    def __init__(
        self,
        services: Callable[[], Services],
        service_log: ServiceLog,
        rooms: RoomStore,
        tail: TailReader,
        hub: Hub,
        ephemera: Ephemera,
        packing: Packing,
        client: ServiceClient,
    ) -> None:
        """Read, pack and deliver through these; `services` are those that want traffic."""
        self._services = services
        self._log = service_log
        self._rooms = rooms
        self._tail = tail
        self._hub = hub
        self._ephemera = ephemera
        self._packing = packing
        self._client = client

    async def stop(self) -> None:
        """Stop; whoever holds the role next sends again what was under way."""
        await super().stop()
        await self._client.close()

    async def _hold(self) -> None:
        """Wait for the role, then tell for as long as it is ours."""
        cursor = await self._log.take() if self._services() else None
        while cursor is None:
            await asyncio.sleep(LOOK_SECONDS)
            cursor = await self._log.take() if self._services() else None
        watch = WatchLogs(
            self._services, self._log, self._rooms, self._tail, self._ephemera, cursor
        )
        async with asyncio.TaskGroup() as group:
            await self._follow(watch, _Round(group, self._packing, self._client))

    async def _follow(self, watch: WatchLogs, delivering: _Round) -> None:
        while True:
            seen = self._hub.ticks.now
            told = list(self._services())
            delivering.match(told)
            news = await watch()
            wants = any(each.receive_ephemeral for each in told)
            if wants:
                news |= await self._ephemeral(watch)
            delivering.wake(news)
            if self._hub.ticks.now == seen:
                await self._hub.moved(TYPING_SECONDS if wants else LOOK_SECONDS)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _ephemeral(self, watch: WatchLogs) -> set[str]:
        """Note who types and who is online; which services want to know of it."""
        told: set[str] = set()
        for nid, interest in (await _known(watch, self._ephemera.moved_rooms())).items():
            told |= self._ephemera.note_typing(nid, interest)
        present = self._ephemera.rooms_of_present()
        for nid, interest in (await _known(watch, present)).items():
            told |= self._ephemera.note_present(present[nid], interest)
        return told


async def _known(watch: WatchLogs, rooms: Collection[int]) -> Mapping[int, RoomInterest]:
    return await watch.watch.look(dict.fromkeys(rooms, NEWEST), watch.vector) if rooms else {}


class _Round:
    """The deliveries under way, one for each service."""

    def __init__(self, group: asyncio.TaskGroup, packing: Packing, client: ServiceClient) -> None:
        self._group = group
        self._packing = packing
        self._client = client
        self._tasks: dict[str, tuple[Deliver, asyncio.Task[None]]] = {}

    def match(self, services: list[Registration]) -> None:
        """Deliver to these services, as they are registered now."""
        wanted = {each.id: each for each in services}
        for service_id, (deliver, task) in list(self._tasks.items()):
            if wanted.get(service_id) != deliver.service:
                task.cancel()
                del self._tasks[service_id]
        for service_id in wanted.keys() - self._tasks.keys():
            deliver = Deliver(wanted[service_id], self._packing, self._client)
            self._tasks[service_id] = deliver, self._group.create_task(deliver())

    def wake(self, services: set[str]) -> None:
        """Tell the deliveries that there is something."""
        for service_id in services & self._tasks.keys():
            self._tasks[service_id][0].wake()
