"""A real server with the real accounts, over each kind of store."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest_asyncio

from homeserver.application.ports.rate_limiter import Limit
from homeserver.bootstrap.api import build_api
from homeserver.bootstrap.core import build_core
from homeserver.config import LiveSettings, Loaded, Settings
from homeserver.config.settings import Registration, Worker
from homeserver.infrastructure.embedded.rate_limiter import MemoryRateLimiter
from homeserver.presentation.app import build_server
from homeserver.presentation.settings import HttpSettings
from tests.support.store import SERVER_NAME, STORE_KINDS, open_store
from tests.support.wire import Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest

    from homeserver.bootstrap.accounts import Accounts
    from homeserver.bootstrap.core import Core
    from homeserver.infrastructure.sql.database import Database
    from tests.support.store import Store
    from tests.support.wire import Answer

V3 = "/_matrix/client/v3"
PASSWORD = "correct horse"
GUESSES = 5
DUMMY = {"type": "m.login.dummy"}


@dataclass
class Town:
    """One worker's accounts behind HTTP; `registration` may be replaced while it runs."""

    store: Store
    core: Core
    accounts: Accounts
    site: Site
    registration: Registration

    async def ask(
        self, method: str, path: str, body: Any = None, token: str | None = None
    ) -> Answer:
        """Make a request; `path` is under /_matrix/client/v3 unless it begins with /_."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        data = None if body is None else json.dumps(body).encode()
        return await self.site.ask(
            method, path if path.startswith("/_") else V3 + path, data, **headers
        )

    async def ok(
        self, method: str, path: str, body: Any = None, token: str | None = None
    ) -> dict[str, Any]:
        """Make a request that succeeds."""
        answer = await self.ask(method, path, body, token)
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json
        return found

    async def register(self, name: str, **more: Any) -> dict[str, Any]:
        """Make an account in one call."""
        body = {"username": name, "password": PASSWORD, "auth": DUMMY, **more}
        return await self.ok("POST", "/register", body)

    async def log_in(self, name: str, password: str = PASSWORD, **more: Any) -> Answer:
        """Try to log in."""
        return await self.ask("POST", "/login", login_body(name, password, **more))

    async def whoami(self, token: str) -> Answer:
        """Ask who a token is."""
        return await self.ask("GET", "/account/whoami", token=token)

    async def lock(self, user_id: str, *, locked: bool) -> None:
        """Lock an account as an administrator does."""
        await self.accounts.lock_account(user_id, locked=locked)

    async def first_user_token(self) -> str | None:
        """What the operator is told at the start of a fresh server."""
        return await self.accounts.first_user.ensure_first_user_token()

    async def by_password(
        self, method: str, path: str, body: dict[str, Any], token: str, password: str = PASSWORD
    ) -> Answer:
        """Go through a call that asks for the password."""
        asked = await self.ask(method, path, body, token)
        assert asked.status == 401, asked.body
        auth = {"type": "m.login.password", "password": password, "session": asked.json["session"]}
        who = (await self.whoami(token)).json["user_id"]
        auth["identifier"] = {"type": "m.id.user", "user": who}
        return await self.ask(method, path, {**body, "auth": auth}, token)


def login_body(name: str, password: str = PASSWORD, **more: Any) -> dict[str, Any]:
    """A body of /login."""
    who = {"type": "m.id.user", "user": name}
    return {"type": "m.login.password", "identifier": who, "password": password, **more}


class _Live(LiveSettings):
    """Settings of which a test may replace the registration."""

    town: Town | None = None

    @property
    def current(self) -> Settings:
        """The settings in force now."""
        settings = super().current
        if self.town is None:
            return settings
        return replace(settings, registration=self.town.registration)


async def start_town(store: Store, worker: str, database: Database | None = None) -> Town:
    """One more worker with its own HTTP server on a store."""
    settings = Settings(
        server_name=SERVER_NAME,
        registration=Registration(open=True),
        worker=Worker(name=worker),
    )
    live = _Live(Loaded(settings, {}))
    core = await build_core(live, store.clock, store.ids, database or store.database)
    limiter = MemoryRateLimiter(
        {"login_failures": Limit(0.1, GUESSES)}, clock=store.clock.monotonic
    )
    api = build_api(core, limiter)
    server = build_server(
        api.routes,
        authenticator=api.accounts.authenticator,
        limiter=limiter,
        settings=HttpSettings(linger_seconds=0.0, drain_seconds=2.0),
    )
    await server.listen("127.0.0.1", 0)
    live.town = Town(store, core, api.accounts, Site(server), settings.registration)
    return live.town


async def stop_town(town: Town) -> None:
    """Stop its server and its writer."""
    for wire in town.site.wires:
        wire.writer.close()
    await town.site.server.stop()
    await town.core.writer.stop()


@pytest_asyncio.fixture(params=STORE_KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store."""
    async with open_store(request.param, tmp_path) as opened:
        yield opened


@pytest_asyncio.fixture
async def town(store: Store) -> AsyncIterator[Town]:
    """A server with open registration."""
    started = await start_town(store, "town")
    yield started
    await stop_town(started)
