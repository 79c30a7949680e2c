"""What presence costs a server: `python -m tests.load.presence --members 1000 --seconds 60`.

Members of one room wait in /sync, and each changes its presence every 30 s, evenly spread. Two servers
on SQLite get the same: one with presence, one without. The difference of their processor time is
what presence costs beyond the requests that ask for it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp

from tests.load.crowd import make_users
from tests.load.places import fresh
from tests.load.server import running

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.load.server import Server

EVERY_S = 30.0
AT_ONCE = 20
V3 = "/_matrix/client/v3"


@dataclass
class Crowd:
    """Members of one room on one server, and what they were answered."""

    base: str
    http: aiohttp.ClientSession
    members: list[tuple[str, str]]
    answers: int = 0
    events: int = 0
    puts: int = 0
    room: str = ""
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def call(self, method: str, path: str, token: str, body: Any = None) -> Any:
        """Make a request."""
        headers = {"Authorization": f"Bearer {token}"}
        url = self.base + V3 + path
        async with self.http.request(method, url, json=body, headers=headers) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def gather(self) -> None:
        """Make the room and join it."""
        (_, creator), *others = self.members
        made = await self.call("POST", "/createRoom", creator, {"preset": "public_chat"})
        self.room = made["room_id"]
        gate = asyncio.Semaphore(AT_ONCE)

        async def join(token: str) -> None:
            async with gate:
                await self.call("POST", f"/join/{quote(self.room)}", token, {})

        await asyncio.gather(*(join(token) for _, token in others))

    def begin(self) -> None:
        """Let everybody wait and flap."""
        for number, (user, token) in enumerate(self.members):
            share = number / len(self.members)
            self.tasks.append(asyncio.create_task(self._wait(token, share)))
            self.tasks.append(asyncio.create_task(self._flap(user, token, share)))

    async def end(self) -> None:
        """Stop; what failed is raised."""
        for task in self.tasks:
            task.cancel()
        for task in self.tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def _wait(self, token: str, share: float) -> None:
        await asyncio.sleep(5 * share)
        wanted = '{"room":{"state":{"lazy_load_members":true},"timeline":{"limit":1}}}'
        since = ""
        while True:
            path = f"/sync?timeout=30000&set_presence=offline&filter={quote(wanted)}{since}"
            answer = await self.call("GET", path, token)
            since = f"&since={answer['next_batch']}"
            self.answers += 1
            self.events += len(answer.get("presence", {}).get("events", ()))

    async def _flap(self, user: str, token: str, share: float) -> None:
        await asyncio.sleep(EVERY_S * share)
        state = "online"
        while True:
            await self.call("PUT", f"/presence/{quote(user)}/status", token, {"presence": state})
            self.puts += 1
            state = "unavailable" if state == "online" else "online"
            await asyncio.sleep(EVERY_S)


async def _measured(server: Server, members: Sequence[str], seconds: float) -> float:
    """The processor time of the server, in percent of a core."""
    pairs = [(user, token) for user, token in (line.split() for line in members)]
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
        crowd = Crowd(server.base, http, pairs)
        await crowd.gather()
        crowd.begin()
        await asyncio.sleep(EVERY_S + 10)  # everybody has polled, and flapped once
        crowd.answers = crowd.events = crowd.puts = 0
        cpu, began = _cpu(server.pid), time.monotonic()
        await asyncio.sleep(seconds)
        used, took = _cpu(server.pid) - cpu, time.monotonic() - began
        counts = f"{crowd.puts / took:5.1f} changes/s {crowd.answers / took:6.1f} answers/s"
        await crowd.end()
    percent = 100 * used / took
    _say(f"  {percent:5.1f} % of a core, {counts} {crowd.events / took:7.1f} events/s")
    return percent


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def measure(members: int, seconds: float) -> None:
    """Print what each server needed, and the difference."""
    needed = {}
    for enabled in ("false", "true"):
        with TemporaryDirectory() as folder, fresh("sqlite", Path(folder)) as place:
            users = asyncio.run(make_users(place, [f"m{n}" for n in range(members)]))
            settings = {"FIRN__PRESENCE__ENABLED": enabled, "FIRN__RATE_LIMITS__ENABLED": "false"}
            with running(place, settings) as server:
                _say(f"presence.enabled = {enabled}, {members} members:")
                needed[enabled] = asyncio.run(_measured(server, users, seconds))
    _say(f"presence: {needed['true'] - needed['false']:.1f} % of a core")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60.0)
    wanted = parser.parse_args()
    measure(wanted.members, wanted.seconds)


if __name__ == "__main__":
    main()
