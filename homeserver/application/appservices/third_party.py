"""Look-ups in third-party networks (Client-Server API, "Third-party Lookups").

Answers of services are passed on as far as they have the specification's shape.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from homeserver.application.ports.service_client import Call, ServiceAwayError
from homeserver.domain.shared.canonical_json import decode_json
from homeserver.domain.shared.errors import MatrixError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from homeserver.application.ports.service_client import ServiceClient
    from homeserver.domain.appservices.registration import Registration
    from homeserver.domain.appservices.services import Services

ANSWER_SECONDS: Final = 10.0
_OLD: Final = "/_matrix/app/unstable"
_LOCATION: Final = {"alias": str, "protocol": str, "fields": dict}
_USER: Final = {"userid": str, "protocol": str, "fields": dict}
_PROTOCOL: Final = {
    "user_fields": list,
    "location_fields": list,
    "icon": str,
    "field_types": dict,
    "instances": list,
}
_INSTANCE: Final = {"desc": str, "fields": dict, "network_id": str}
log = logging.getLogger(__name__)


def instance_id(service_id: str, network_id: str) -> str:
    """Name a network of a service: unique on this server."""
    return f"{service_id}|{network_id}"


@dataclass(frozen=True, slots=True)
class ThirdParty:
    """Asks the services that provide a protocol, or in whose namespace an id is.

    A service that is away counts as one that knows nothing.
    """

    services: Callable[[], Services]
    client: ServiceClient

    async def protocols(self) -> dict[str, Any]:
        """All protocols by name, as far as their services describe them."""
        names = sorted({name for each in self._reachable() for name in each.protocols})
        found = await asyncio.gather(*(self._protocol(name) for name in names))
        return {name: each for name, each in zip(names, found, strict=True) if each is not None}

    async def protocol(self, name: str) -> dict[str, Any]:
        """One of them; NotFoundError."""
        found = await self._protocol(name)
        if found is None:
            raise NotFoundError("This protocol is not known")
        return found

    async def locations(self, protocol: str, fields: Mapping[str, str]) -> list[dict[str, Any]]:
        """The rooms that lead to a place of a network; NotFoundError where there are none."""
        path = f"/thirdparty/location/{quote(protocol, safe='')}"
        return await self._listed(self._providers(protocol), path, fields, _LOCATION)

    async def users(self, protocol: str, fields: Mapping[str, str]) -> list[dict[str, Any]]:
        """The users that stand for somebody in a network; NotFoundError."""
        path = f"/thirdparty/user/{quote(protocol, safe='')}"
        return await self._listed(self._providers(protocol), path, fields, _USER)

    async def locations_of(self, alias: str) -> list[dict[str, Any]]:
        """The places that an alias leads to; NotFoundError."""
        asked = [each for each in self._reachable() if each.has_alias(alias)]
        return await self._listed(asked, "/thirdparty/location", {"alias": alias}, _LOCATION)

    async def users_of(self, user_id: str) -> list[dict[str, Any]]:
        """Whom a user stands for; NotFoundError."""
        asked = [each for each in self._reachable() if each.has_user(user_id)]
        return await self._listed(asked, "/thirdparty/user", {"userid": user_id}, _USER)

    def _reachable(self) -> list[Registration]:
        return [each for each in self.services() if each.url is not None]

    def _providers(self, protocol: str) -> list[Registration]:
        return [each for each in self._reachable() if protocol in each.protocols]

    async def _protocol(self, name: str) -> dict[str, Any] | None:
        """A protocol with the networks of all services that provide it."""
        asked = self._providers(name)
        path = f"/thirdparty/protocol/{quote(name, safe='')}"
        answers = await asyncio.gather(*(self._ask(each, path, {}) for each in asked))
        found: dict[str, Any] | None = None
        for service, answer in zip(asked, answers, strict=True):
            if not _has(answer, _PROTOCOL):
                continue
            networks = [_named(service, each) for each in answer["instances"]]
            if found is None:
                found = {**answer, "instances": []}
            found["instances"] += [each for each in networks if each is not None]
        return found

    async def _listed(
        self,
        asked: Iterable[Registration],
        path: str,
        query: Mapping[str, str],
        shape: Mapping[str, type],
    ) -> list[dict[str, Any]]:
        answers = await asyncio.gather(*(self._ask(each, path, query) for each in asked))
        found = [
            item
            for answer in answers
            if isinstance(answer, list)
            for item in answer
            if _has(item, shape)
        ]
        if not found:
            raise NotFoundError("Nothing was found")
        return found

    async def _ask(self, service: Registration, path: str, query: Mapping[str, str]) -> Any:
        """What a service answers, None where it has nothing to say."""
        call = Call("GET", path, legacy=_OLD + path, query=query)
        try:
            reply = await self.client(service, call, ANSWER_SECONDS)
            return decode_json(reply.body) if reply.ok else None
        except (ServiceAwayError, MatrixError) as error:  # away, or no JSON
            log.warning("appservice.no_answer: %s: %s", service.id, error or type(error).__name__)
            return None


def _has(value: Any, shape: Mapping[str, type]) -> bool:
    return isinstance(value, dict) and all(
        isinstance(value.get(name), kind) for name, kind in shape.items()
    )


def _named(service: Registration, network: Any) -> dict[str, Any] | None:
    if not _has(network, _INSTANCE):
        return None
    return {**network, "instance_id": instance_id(service.id, network["network_id"])}
