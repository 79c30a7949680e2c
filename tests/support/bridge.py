"""An application service for tests: its registration, and the HTTP server that it runs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml
from aiohttp import web

from tests.support.client import Device
from tests.support.server import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IRC = "@_irc_.*"


@dataclass
class Transaction:
    """A transaction as it came in."""

    txn_id: str
    body: dict[str, Any]


@dataclass
class Bridge:
    """One service.

    `answer` is the status that transactions get; `answers` has what else is answered by path:
    JSON, or a status and JSON.
    """

    name: str
    folder: Path
    more: dict[str, Any] = field(default_factory=dict)
    users: list[dict[str, Any]] = field(default_factory=lambda: [{"regex": IRC, "exclusive": True}])
    aliases: list[dict[str, Any]] = field(default_factory=list)
    rooms: list[dict[str, Any]] = field(default_factory=list)
    port: int = field(default_factory=free_port)
    answer: int = 200
    transactions: list[Transaction] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    on_ask: Callable[[str], Any] | None = None
    on_transaction: Callable[[], Any] | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _runner: web.AppRunner | None = None

    @property
    def as_token(self) -> str:
        """What it shows the server."""
        return f"as-token-of-{self.name}"

    @property
    def hs_token(self) -> str:
        """What the server shows it."""
        return f"hs-token-of-{self.name}"

    @property
    def file(self) -> str:
        """Its registration file, written anew."""
        path = self.folder / f"{self.name}.yaml"
        path.write_text(yaml.safe_dump(self.registration))
        return str(path)

    @property
    def registration(self) -> dict[str, Any]:
        """What the file says."""
        return {
            "id": self.name,
            "url": f"http://127.0.0.1:{self.port}",
            "as_token": self.as_token,
            "hs_token": self.hs_token,
            "sender_localpart": f"_{self.name}_bot",
            "namespaces": {"users": self.users, "aliases": self.aliases, "rooms": self.rooms},
            "rate_limited": False,
            **self.more,
        }

    def ghost(self, base: str, user_id: str = "") -> Ghost:
        """A client that acts as one of its users."""
        ghost = Ghost(base)
        ghost.token, ghost.user_id = self.as_token, user_id
        return ghost

    # --- its HTTP server

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", self._handle)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _handle(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == f"Bearer {self.hs_token}"
        path = request.raw_path.partition("?")[0]
        if request.method == "PUT" and "/transactions/" in path:
            self.transactions.append(Transaction(path.rpartition("/")[2], await request.json()))
            self._tell()
            if self.on_transaction is not None:
                await self.on_transaction()
            return web.json_response({}, status=self.answer)
        self.asked.append((request.method, path, dict(request.query)))
        if self.on_ask is not None:
            await self.on_ask(path)
        found = self.answers.get(path)
        if found is None:
            return web.json_response({"errcode": "M_NOT_FOUND", "error": ""}, status=404)
        status, body = found if isinstance(found, tuple) else (200, found)
        return web.json_response(body, status=status)

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    # --- what it heard

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of all transactions, each transaction once."""
        once = {each.txn_id: each for each in self.transactions}
        return [event for each in once.values() for event in each.body["events"]]

    @property
    def ephemeral(self) -> list[dict[str, Any]]:
        """The ephemeral data of all transactions, each once."""
        once = {each.txn_id: each for each in self.transactions}
        return [data for each in once.values() for data in each.body.get("ephemeral", [])]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages to devices of all transactions, each transaction once."""
        once = {each.txn_id: each for each in self.transactions}
        return [message for each in once.values() for message in each.body.get("to_device", [])]

    @property
    def texts(self) -> list[str]:
        """The texts of the messages."""
        return [e["content"].get("body", "") for e in self.events if e["type"] == "m.room.message"]

    async def until(self, holds: Callable[[], Any], seconds: float = 20.0) -> None:
        """Wait until something holds of what it heard."""
        async with asyncio.timeout(seconds):
            while not holds():
                await self._news.wait()


class Ghost(Device):
    """A user of a service, whose requests say as whom they are made."""

    as_device: str | None = None

    async def call(
        self, method: str, path: str, body: Any = None, query: dict[str, Any] | None = None
    ) -> Any:
        """Make a request, as this user."""
        acting = {"user_id": self.user_id or None, "device_id": self.as_device}
        return await super().call(method, path, body, {**acting, **(query or {})})

    async def arrive(self, name: str) -> Ghost:
        """Register without a session."""
        body = {"type": "m.login.application_service", "username": name, "inhibit_login": True}
        self.user_id = ""
        self.user_id = (await self.call("POST", "/register", body))["user_id"]
        return self
