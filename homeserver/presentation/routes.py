"""The whole HTTP API, one row for each endpoint.

Unknown paths, wrong methods, `OPTIONS` and `HEAD` need no rows. Rows of one area stand
together, in the order of the specification.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from homeserver.presentation.client.capabilities import capabilities_handler
from homeserver.presentation.client.versions import versions_handler
from homeserver.presentation.client.wellknown import (
    Support,
    client_wellknown_handler,
    support_handler,
)
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from homeserver.application.delayed.schedule import DelayLimits
    from homeserver.presentation.health import Probes

_CLIENT = "/.well-known/matrix/client"
_SUPPORT = "/.well-known/matrix/support"


@dataclass(frozen=True, slots=True)
class Discovery:
    """What clients are told about this server before they do anything."""

    base_url: str
    default_room_version: Callable[[], str]
    delays: Callable[[], DelayLimits | None] = lambda: None
    support: Support = field(default_factory=Support)
    unstable_features: Mapping[str, bool] = field(default_factory=dict)


def discovery_routes(discovery: Discovery) -> tuple[Route, ...]:
    """Versions, well-known documents, capabilities."""
    versions = versions_handler(discovery.unstable_features)
    wellknown = client_wellknown_handler(discovery.base_url)
    capabilities = capabilities_handler(discovery.default_room_version, discovery.delays)
    rows = (
        Route("GET", "/_matrix/client/versions", versions, Auth.NONE),
        Route("GET", _CLIENT, wellknown, Auth.NONE, doc="Where clients find this server"),
        Route(
            "GET",
            "/_matrix/client/v3/capabilities",
            capabilities,
            Auth.GUEST,
            versions=("r0",),
        ),
    )
    if not discovery.support:
        return rows
    support = support_handler(discovery.support)
    return (*rows, Route("GET", _SUPPORT, support, Auth.NONE, doc="Whom to ask for help"))


def probe_routes(probes: Probes) -> tuple[Route, ...]:
    """What supervisors, gateways and Prometheus ask."""
    return (
        Route("GET", "/health/live", probes.handle_live, Auth.NONE),
        Route("GET", "/health/ready", probes.handle_ready, Auth.NONE),
        Route("GET", "/metrics", probes.handle_metrics, Auth.NONE),
    )
