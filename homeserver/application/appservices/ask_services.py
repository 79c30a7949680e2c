"""Users and aliases that this server does not know: their service may make them ("Querying")."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from homeserver.application.ports.service_client import Call, ServiceAwayError
from homeserver.domain.shared.errors import MatrixError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from homeserver.application.ports.service_client import ServiceClient
    from homeserver.domain.appservices.registration import Registration
    from homeserver.domain.appservices.services import Services

ATTEMPTS: Final = 3
PAUSE_SECONDS: Final = 0.5
ANSWER_SECONDS: Final = 10.0
"""For each attempt: the service makes the user or the room before it answers."""
AT_ONCE: Final = 32
log = logging.getLogger(__name__)


class ServiceSilentError(MatrixError):
    """The service that ought to know does not answer."""

    status = 408


class AskServices:
    """Asks the services in whose namespace an id is; several who ask for one share the answer."""

    def __init__(self, services: Callable[[], Services], client: ServiceClient) -> None:
        """Ask through this; `make_sender` makes the account of a service's own user."""
        self._services = services
        self._client = client
        self._under_way: dict[str, asyncio.Task[bool]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)
        self.make_sender: Callable[[Registration], Awaitable[object]] | None = None

    async def for_user(self, user_id: str) -> bool:
        """Whether a service says that it has made this user. Raises ServiceSilentError."""
        own = next((each for each in self._services() if each.sender == user_id), None)
        if own is not None and self.make_sender is not None:
            await self.make_sender(own)
            return True
        asked = [each for each in self._services() if each.url and each.has_user(user_id)]
        return bool(asked) and await self._shared(f"/users/{quote(user_id, safe='')}", asked)

    async def for_alias(self, alias: str) -> bool:
        """Whether a service says that it has made this alias. Raises ServiceSilentError."""
        asked = [each for each in self._services() if each.url and each.has_alias(alias)]
        return bool(asked) and await self._shared(f"/rooms/{quote(alias, safe='')}", asked)

    async def _shared(self, path: str, asked: list[Registration]) -> bool:
        task = self._under_way.get(path)
        if task is None:
            task = self._under_way[path] = asyncio.create_task(self._any(path, asked))
            task.add_done_callback(lambda _: self._under_way.pop(path, None))
        return await asyncio.shield(task)

    async def _any(self, path: str, asked: list[Registration]) -> bool:
        async with self._turns:
            for service in asked:
                if await self._one(path, service):
                    return True
        return False

    async def _one(self, path: str, service: Registration) -> bool:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                reply = await self._client(service, Call("GET", path, legacy=path), ANSWER_SECONDS)
            except ServiceAwayError as error:
                log.warning("appservice.no_answer: %s: %s", service.id, error)
                if attempt < ATTEMPTS:
                    await asyncio.sleep(PAUSE_SECONDS)
            else:
                return reply.ok
        raise ServiceSilentError("An application service does not answer")
