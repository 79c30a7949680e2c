"""The HTTP server over all routes."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from homeserver.application.ports.rate_limiter import Limit
from homeserver.bootstrap.rooms import build_schedule
from homeserver.config.settings import RateLimit
from homeserver.infrastructure.embedded.rate_limiter import MemoryRateLimiter
from homeserver.infrastructure.telemetry.metrics import render_metrics
from homeserver.infrastructure.telemetry.observer import RequestTelemetry
from homeserver.presentation.app import HttpServer, build_server
from homeserver.presentation.client.delayed_events import FEATURE
from homeserver.presentation.health import Probes
from homeserver.presentation.routes import Discovery, discovery_routes, probe_routes
from homeserver.presentation.settings import HttpSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from homeserver.application.ports.authenticator import Authenticator, ServiceSessions
    from homeserver.application.ports.rate_limiter import RateLimiter
    from homeserver.bootstrap.core import Core
    from homeserver.config import Settings
    from homeserver.infrastructure.redis.link import RedisLink
    from homeserver.presentation.routing import Route

UNSTABLE_FEATURES = {
    FEATURE: True,
    "org.matrix.msc4155": True,  # whose invitations one wants, by lists
    "org.matrix.msc4380.stable": True,  # that one wants none
    "uk.tcpip.msc4133.stable": True,  # profile fields, for clients that look for nothing else
    "uk.half-shot.msc2666.query_mutual_rooms": True,
    "uk.half-shot.msc2666.query_mutual_rooms.stable": True,
}
"""What is there of later versions than those that /versions lists, as clients ask for it."""
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def build_limiter(
    core: Core,
    redis: RedisLink | None = None,
    workers: Callable[[], Collection[str]] | None = None,
) -> RateLimiter:
    """Rate limits as set, and as set anew by a reload; shared by all workers through Redis.

    `workers` tells which ones live: where Redis is down, each gives out its part.
    """
    own = MemoryRateLimiter(_limits(core.settings.current), clock=core.clock.monotonic)
    core.settings.on_change(lambda settings: own.configure(_limits(settings)))
    if redis is None:
        return own
    from homeserver.infrastructure.redis.rate_limiter import (  # noqa: PLC0415 (loads the driver)
        RedisRateLimiter,
    )

    if workers is None:
        return RedisRateLimiter(own, redis, core.clock)
    return RedisRateLimiter(own, redis, core.clock, lambda: len(workers()))


def _limits(settings: Settings) -> Mapping[str, Limit]:
    limits = settings.rate_limits
    if not limits.enabled:
        return {}
    values = {f.name: getattr(limits, f.name) for f in fields(limits)}
    return {
        name: Limit(value.per_second, value.burst)
        for name, value in values.items()
        if isinstance(value, RateLimit)
    }


def build_http(
    core: Core,
    routes: Iterable[Route],
    authenticator: Authenticator,
    limiter: RateLimiter,
    services: ServiceSessions | None = None,
) -> HttpServer:
    """Build the server; it listens when it is told to."""
    settings = core.settings.current
    return build_server(
        [r for r in all_routes(core, routes) if settings.metrics.enabled or r.path != "/metrics"],
        authenticator=authenticator,
        limiter=limiter,
        services=services,
        observer=RequestTelemetry(core.ids),
        settings=HttpSettings(
            max_body=settings.limits.max_request_bytes,
            body_seconds=settings.limits.request_timeout_s,
            drain_seconds=8.0,
            trusted_proxies=settings.trusted_networks,
        ),
    )


def all_routes(core: Core, routes: Iterable[Route]) -> tuple[Route, ...]:
    """The whole route table: discovery and probes before the routes given."""
    settings = core.settings.current
    host, port = settings.listen_address
    discovery = Discovery(
        base_url=settings.public_url or f"http://{host}:{port}",
        default_room_version=lambda: core.settings.current.rooms.default_version,
        delays=build_schedule(core).limits,
        unstable_features=UNSTABLE_FEATURES,
    )
    probes = Probes(
        live=lambda: not core.writer.fenced,
        ready=lambda: not core.writer.fenced and not core.hub.lost,
        metrics=lambda: (render_metrics(), METRICS_TYPE),
    )
    return (*discovery_routes(discovery), *probe_routes(probes), *routes)
