"""The route table of a cluster, in Redis."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import structlog

from homeserver.infrastructure.redis.link import RedisDownError
from homeserver.infrastructure.redis.route_lookup import WORKERS, RouteLookup, user_key
from homeserver.infrastructure.redis.route_scripts import BEAT, WRITE
from homeserver.infrastructure.redis.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from homeserver.application.ports.clock import Clock
    from homeserver.infrastructure.redis.link import RedisLink

log = structlog.get_logger(__name__)

Route = tuple[int, int]
"""User and device."""

MISSED_BEATS = 4
"""A worker that has not beaten for so many beats is dead."""
ENTRY_MS = 180_000
SWEEP_BEATS = 60
"""Every entry is written anew once in so many beats, long before it runs out."""
SET_MS = 3_600_000
WRITES = 250
MOST_LATE = 100_000


@dataclass(slots=True)
class _Attached:
    """A device of this worker: its connections, and whether Redis knows."""

    connections: int = 0
    registered: bool = False


class RedisRouteTable:
    """`RouteTable` over Redis, one route for each user, device and worker.

    Connections are counted here; Redis has one entry for all of them. An entry outlives the
    last connection by `linger` seconds: a device between two long-polls costs nothing. All
    writes go through one queue that writes the state as it is then, so that they cannot
    overtake each other and a failed one is just written again.
    """

    def __init__(
        self,
        link: RedisLink,
        clock: Clock,
        *,
        beat: float = 1.0,
        linger: float = 10.0,
        fresh: float = 1.0,
    ) -> None:
        """Beat every so many seconds; look-ups are remembered for `fresh` seconds."""
        self._link = link
        self._clock = clock
        self._live: frozenset[str] = frozenset()
        self._pace = beat
        self._linger = linger
        self._worker: str | None = None
        self._life = b""
        self._attached: dict[int, dict[int, _Attached]] = {}
        self._idle: dict[Route, float] = {}
        self._late: set[Route] = set()
        self._sweep: list[list[Route]] = []
        self._writes: Turns[Route] = Turns(self._write, WRITES)
        self._lookup = RouteLookup(link, clock, fresh)
        self._beating: asyncio.Task[None] | None = None

    async def join(self, worker: str) -> None:
        """Beat, and go on beating; see the port."""
        self._worker = worker
        self._life = b""  # whatever Redis has of us is written anew
        await self._beat()
        self._beating = asyncio.create_task(self._go_on(), name="route-beat")

    async def attach(self, user_nid: int, device_nid: int) -> None:
        """Count a connection; only the first one of a device is a matter for Redis."""
        route = user_nid, device_nid
        self._idle.pop(route, None)
        device = self._attached.setdefault(user_nid, {}).setdefault(device_nid, _Attached())
        device.connections += 1
        if not device.registered:
            await self._writes.ask((route,), self._link.call_seconds)

    async def detach(self, user_nid: int, device_nid: int) -> None:
        """Count a connection less; a device without any goes some seconds later."""
        device = self._attached.get(user_nid, {}).get(device_nid)
        if device is None or device.connections == 0:
            return
        device.connections -= 1
        if device.connections == 0:
            self._idle[user_nid, device_nid] = self._clock.monotonic() + self._linger

    async def workers_of(self, users: Collection[int]) -> Mapping[int, Collection[str]]:
        """What others have registered, a second old at most, and what is attached here."""
        found: dict[int, Collection[str]] = {}
        others = await self._lookup.workers_of(users)
        for user in users:
            workers = others.get(user, frozenset())
            if self._worker is not None:
                workers = workers - {self._worker}
                if user in self._attached:
                    workers |= {self._worker}
            if workers:
                found[user] = workers
        return found

    async def devices_of(self, user_nid: int) -> Mapping[int, Collection[str]]:
        """What others have registered now, and what is attached here."""
        found: dict[int, set[str]] = {}
        for device, worker in await self._lookup.routes_of(user_nid):
            if worker != self._worker:
                found.setdefault(device, set()).add(worker)
        if self._worker is not None:
            for device in self._attached.get(user_nid, ()):
                found.setdefault(device, set()).add(self._worker)
        return found

    async def workers(self) -> Collection[str]:
        """The live workers now."""
        own = () if self._worker is None else (self._worker,)
        return {*await self._lookup.live_workers(), *own}

    def known_workers(self) -> Collection[str]:
        """The live workers of the last beat that Redis heard."""
        return self._live if self._worker is None else self._live | {self._worker}

    async def leave(self) -> None:
        """Stop beating and remove what is here; what Redis does not hear of runs out."""
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.wait((self._beating,))
            self._beating = None
        routes = self._routes()
        self._attached.clear()
        self._idle.clear()
        await self._writes.ask({*routes, *self._late}, 10 * self._link.call_seconds)
        await self._writes.close()
        await self._lookup.close()
        if self._worker is not None:
            with suppress(RedisDownError):
                await self._link.call("ZREM", self._link.prefix + WORKERS, self._worker)
        self._worker = None

    def _routes(self) -> list[Route]:
        return [(user, device) for user, all_of in self._attached.items() for device in all_of]

    async def _write(self, routes: Sequence[Route]) -> None:
        """Tell Redis of these routes what is so now."""
        if self._worker is None:
            return
        self._late.difference_update(routes)
        devices = [self._attached.get(user, {}).get(device) for user, device in routes]
        states: list[int | str] = []
        for (_, number), device in zip(routes, devices, strict=True):
            states += (number, 0 if device is None else 1)
        life = self._life
        try:
            await self._link.run(
                WRITE,
                [user_key(user) for user, _ in routes],
                (self._worker, ENTRY_MS, *states),
            )
        except RedisDownError:
            self._late.update(routes)
            return
        for device in devices:
            if device is not None:
                device.registered = life == self._life  # else Redis may have forgotten it since

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(self._pace)
            self._drop_idle()
            await self._beat()

    async def _beat(self) -> None:
        """Say that this worker lives, and write what Redis does not have."""
        life_ms = int(self._pace * MISSED_BEATS * 1000)
        try:
            known, life, live = await self._link.run(
                BEAT, [WORKERS], (self._worker or "", life_ms, SET_MS), probe=True
            )
        except RedisDownError:
            self._forget_late()
            return
        self._live = frozenset(name.decode() for name in live)
        if known and life == self._life:
            routes = {*self._late, *self._next_swept()}
        else:
            routes = {*self._late, *self._forget_registered()}
            log.info("routes.registered_anew", routes=len(routes))
        self._life = life
        await self._writes.ask(routes, self._link.call_seconds)

    def _forget_registered(self) -> list[Route]:
        for all_of in self._attached.values():
            for device in all_of.values():
                device.registered = False
        return self._routes()

    def _forget_late(self) -> None:
        """Bound what waits for Redis: what is gone here runs out there by itself."""
        if len(self._late) > MOST_LATE:
            self._late.intersection_update(self._routes())

    def _next_swept(self) -> list[Route]:
        """The part of the routes that is written anew with this beat."""
        if not self._sweep:
            routes = self._routes()
            size = len(routes) // SWEEP_BEATS + 1
            self._sweep = [routes[i : i + size] for i in range(0, len(routes), size)]
        return self._sweep.pop() if self._sweep else []

    def _drop_idle(self) -> None:
        now = self._clock.monotonic()
        gone = [route for route, until in islice(self._idle.items(), 10_000) if until <= now]
        for route in gone:
            del self._idle[route]
            user, device = route
            all_of = self._attached[user]
            del all_of[device]
            if not all_of:
                del self._attached[user]
        self._late.update(gone)
