"""Attaching users to this worker: their rooms are read once, then kept up by the hub."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from homeserver.application.sync.feed import Feed
from homeserver.domain.rooms.membership import JOIN
from homeserver.domain.shared.errors import UnavailableError
from homeserver.domain.sync.vector import Vector

if TYPE_CHECKING:
    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.log_reader import LogReader
    from homeserver.application.ports.membership_store import MembershipStore
    from homeserver.application.ports.route_table import RouteTable
    from homeserver.application.sync.hub import Hub

IDLE_SECONDS = 300.0


class Feeds:
    """The users who sync here."""

    def __init__(
        self,
        hub: Hub,
        memberships: MembershipStore,
        log: LogReader,
        clock: Clock,
        routes: RouteTable | None = None,
    ) -> None:
        """Attach to this hub; with `routes` other workers learn who syncs here."""
        self._routes = routes
        self._routed: dict[int, set[int]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._hub = hub
        self._memberships = memberships
        self._log = log
        self._clock = clock
        self._loading: dict[int, asyncio.Task[Feed]] = {}

    async def attach(self, user_nid: int, device_nid: int | None = None) -> Feed:
        """The user's feed, its rooms loaded; the device is routed here first.

        Raises UnavailableError where this worker cannot follow the logs.
        """
        if self._hub.lost:
            raise UnavailableError("This worker has lost the log")
        if self._routes is not None and device_nid is not None:
            await self._route(self._routes, user_nid, device_nid)
        feed = self._hub.feeds.get(user_nid)
        if feed is None or not feed.ready:
            feed = await self._shared(user_nid)
        feed.used = self._clock.monotonic()
        return feed

    def sweep(self) -> None:
        """Forget the users who have not synced for a while."""
        oldest = self._clock.monotonic() - IDLE_SECONDS
        for feed in list(self._hub.feeds.values()):
            if feed.ready and not feed.waiting and feed.used < oldest:
                self.forget(feed)

    def forget(self, feed: Feed) -> None:
        """Let a user go, with the routes of the user's devices."""
        self._hub.detach(feed)
        devices = self._routed.pop(feed.user_nid, None)
        if self._routes is not None and devices:
            task = asyncio.create_task(_leave(self._routes, feed.user_nid, devices))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    async def _route(self, routes: RouteTable, user_nid: int, device_nid: int) -> None:
        devices = self._routed.setdefault(user_nid, set())
        if device_nid not in devices:
            devices.add(device_nid)
            await routes.attach(user_nid, device_nid)

    async def _shared(self, user_nid: int) -> Feed:
        task = self._loading.get(user_nid)
        if task is None:
            task = self._loading[user_nid] = asyncio.create_task(self._load(user_nid))
            task.add_done_callback(lambda _: self._loading.pop(user_nid, None))
        return await asyncio.shield(task)

    async def _load(self, user_nid: int) -> Feed:
        """Listen first, read then: what changes meanwhile arrives by the hub, newer ones win."""
        feed = Feed(user_nid, self._hub.ticks.now)
        self._hub.feeds[user_nid] = feed
        try:
            places = await self._memberships.places(user_nid)
            await self._catch_up()
        except BaseException:
            self._hub.detach(feed)
            raise
        for place in places:
            held = feed.places.get(place.room_nid)
            if held is None or held.seq < place.seq:
                gone = place.forgotten or place.room_nid in feed.forgotten
                held = feed.places[place.room_nid] = replace(place, forgotten=gone)
            if held.membership == JOIN:
                self._hub.watch(feed, place.room_nid)
        feed.attached = self._hub.ticks.now
        feed.ready = True
        return feed

    async def _catch_up(self) -> None:
        """Wait until the hub has what the store has; UnavailableError where that takes long."""
        await self._hub.catch_up(Vector(await self._log.vector()))


async def _leave(routes: RouteTable, user_nid: int, devices: set[int]) -> None:
    for device_nid in devices:
        await routes.detach(user_nid, device_nid)
