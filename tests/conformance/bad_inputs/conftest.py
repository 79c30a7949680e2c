"""One whole server that all these tests throw things at; it must survive every one."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest_asyncio

from tests.support.client import V3, Device
from tests.support.memory import resident_kib
from tests.support.server import running_firn
from tests.support.wire import Answer, ask

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

    from tests.support.server import FirnProcess

GROWTH_KIB = 50 * 1024
FAILURES = ("Traceback", "Unexpected failure", '"level": "error"', '"level": "critical"')


@dataclass
class Target:
    """A server, and a user with a room on it."""

    firn: FirnProcess
    alice: Device
    room: str

    async def ask(
        self, method: str, path: str, body: bytes | Any = None, token: str | None = None
    ) -> Answer:
        """Ask as Alice (`token` "" asks as nobody); `path` lies under the client API."""
        target = path if path.startswith("/_") else V3 + path
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        token = self.alice.token if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await ask(self.firn.port, method, target, data, **headers)

    def in_room(self, rest: str, room: str | None = None) -> str:
        """A path under a room."""
        return f"/rooms/{quote(room or self.room, safe='')}/{rest}"


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FirnProcess]:
    """A server that lives through all tests of this folder.

    It has hashed two passwords at once: what that takes (twice 19 MiB) it keeps.
    """
    folder = tmp_path_factory.mktemp("bad-inputs")
    async with running_firn(folder, FIRN__LIMITS__REQUEST_TIMEOUT_S="2") as firn:
        async with Device(firn.base) as one, Device(firn.base) as other:
            await asyncio.gather(one.register("first"), other.register("second"))
        yield firn


_names = iter(range(1_000_000))


@pytest_asyncio.fixture
async def target(server: FirnProcess) -> AsyncIterator[Target]:
    """The server, and a new user with a public room; afterwards the server must be as well."""
    process = server.process
    assert process is not None
    written, memory = server.log_file.stat().st_size, resident_kib(process.pid)
    async with Device(server.base) as alice:
        await alice.register(f"alice{next(_names)}")
        yield Target(server, alice, await alice.create_room(preset="public_chat"))
    assert process.returncode is None, "the server has died"
    with server.log_file.open() as log:
        log.seek(written)
        wrong = [line for line in log if any(sign in line for sign in FAILURES)]
    assert not wrong
    assert resident_kib(process.pid) - memory < GROWTH_KIB
