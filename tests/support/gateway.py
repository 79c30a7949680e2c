"""A push gateway over HTTP, which does as a test says."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.syncing import Phone

PATH = "/_matrix/push/v1/notify"
APP = "org.example.app"


@dataclass
class Gateway:
    """What it was told, in order; `status` and `rejected` are its answers.

    It answers while `open` is set; `accepted` has what it answered with 200.
    """

    port: int = 0
    status: int = 200
    rejected: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    told: list[dict[str, Any]] = field(default_factory=list)
    accepted: list[dict[str, Any]] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    _moved: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        """Where pushers send to."""
        return f"http://127.0.0.1:{self.port}{PATH}"

    async def notify(self, request: web.Request) -> web.Response:
        """Take one notification."""
        body = (await request.json())["notification"]
        async with self._moved:
            self.told.append(body)
            self._moved.notify_all()
        await self.open.wait()
        status = self.status
        async with self._moved:
            if status == web.HTTPOk.status_code:
                self.accepted.append(body)
            self._moved.notify_all()
        text = json.dumps({"rejected": self.rejected})
        return web.Response(status=status, text=text, headers=self.headers)

    async def hears(self, count: int) -> list[dict[str, Any]]:
        """Wait until it was told so often; all that it was told."""
        return await self._until(self.told, count)

    async def accepts(self, count: int) -> list[dict[str, Any]]:
        """Wait until it accepted so many; all of them."""
        return await self._until(self.accepted, count)

    async def _until(self, told: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(40), self._moved:
            await self._moved.wait_for(lambda: len(told) >= count)
        return list(told)

    def pusher(self, pushkey: str = "key", **data: Any) -> dict[str, Any]:
        """The JSON of a pusher that sends here."""
        return {
            "app_id": APP,
            "pushkey": pushkey,
            "kind": "http",
            "app_display_name": "App",
            "device_display_name": "Phone",
            "lang": "en",
            "data": {"url": self.url, **data},
            "append": True,
        }

    async def equip(self, phone: Phone, pushkey: str = "key", **data: Any) -> None:
        """Set a pusher of a user."""
        await phone.call("POST", "/pushers/set", self.pusher(pushkey, **data))


@asynccontextmanager
async def open_gateway() -> AsyncIterator[Gateway]:
    """Serve one on loopback."""
    gateway = Gateway()
    gateway.open.set()
    app = web.Application()
    app.router.add_post(PATH, gateway.notify)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        gateway.port = runner.addresses[0][1]
        yield gateway
    finally:
        gateway.open.set()
        await runner.cleanup()


def events(told: list[dict[str, Any]]) -> list[str]:
    """The event ids of notifications, badges left out."""
    return [body["event_id"] for body in told if "event_id" in body]
