"""The way to application services."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.domain.appservices.registration import Registration


class ServiceAwayError(Exception):
    """A service could not be reached, or its answer could not be read."""


class ServiceSlowError(ServiceAwayError):
    """It did not answer in time."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request: `path` is under `/_matrix/app/v1`, `legacy` the older path for the same."""

    method: str
    path: str
    legacy: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a service answered."""

    status: int
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether it was a success."""
        return 200 <= self.status < 300  # noqa: PLR2004 (HTTP's own)


class ServiceClient(Protocol):
    """Makes requests to services in this server's name."""

    async def __call__(self, service: Registration, call: Call, seconds: float) -> Reply:
        """Ask, at the older path too where the newer is not known there ("Legacy routes").

        Raises ServiceSlowError after so many seconds, ServiceAwayError for everything else that
        is no answer. Only for services that have a URL.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...
