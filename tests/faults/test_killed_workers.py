"""F1, F2, F8: worker processes are killed at any moment and started again."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sqlite3
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from homeserver.infrastructure.sql.query import Query, SqlDialect
from homeserver.infrastructure.sql.sqlite_database import SqliteDatabase
from tests.support.log_check import check_acknowledged, check_logs
from tests.support.store import SERVER_NAME, STORE_KINDS, open_store, schema

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]
LANES = 4
pytestmark = pytest.mark.timeout(240)  # many processes start, on a machine that may be busy


class Scene:
    """A store that only child processes write to, and what they were answered."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.room: str | None = None
        self.acknowledged: dict[int, str] = {}

    async def run(
        self,
        worker: str,
        numbers: range,
        *,
        die: tuple[str, int] | None = None,
        kill_after: tuple[int, float] | None = None,
    ) -> bool:
        """Send what is not yet acknowledged; whether the process lived to the end.

        `kill_after` is (acknowledgements, seconds): SIGKILL from outside after both.
        """
        left = [n for n in numbers if n not in self.acknowledged]
        lanes = [[n for n in left if n % LANES == lane] for lane in range(LANES)]
        task = {
            "store": self.store,
            "worker": worker,
            "room": self.room,
            "lanes": lanes,
            "die": die,
        }
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.support.sender",
            json.dumps(task),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=asyncio.subprocess.PIPE,
        )
        assert child.stdout is not None
        seen, alive = 0, False
        async for line in child.stdout:
            word, *rest = line.decode().split()
            if word == "room":
                assert self.room in (None, rest[0])
                self.room = rest[0]
            elif word == "ack":
                self._acknowledge(int(rest[0]), rest[1])
                seen += 1
                if kill_after and seen == kill_after[0]:
                    asyncio.get_running_loop().call_later(kill_after[1], _kill, child)
            alive = alive or word == "done"
        await child.wait()
        return alive

    def _acknowledge(self, number: int, event_id: str) -> None:
        assert self.acknowledged.setdefault(number, event_id) == event_id

    async def check(self, database: Any, *senders: range) -> None:
        found = await check_logs(database)
        check_acknowledged(found, {f"m{n}": event for n, event in self.acknowledged.items()})
        in_room = [int(body[1:]) for body in found]
        assert set(in_room) == {n for numbers in senders for n in numbers}
        for numbers in senders:
            for lane in range(LANES):
                # within a lane each was sent after the answer to the one before
                sent = [n for n in in_room if n in numbers and n % LANES == lane]
                assert sent == sorted(sent)


def _kill(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        child.kill()


@asynccontextmanager
async def open_scene(kind: str, folder: Path) -> AsyncIterator[tuple[Scene, Any]]:
    """A store of a kind, and a function that opens it for looking."""
    if kind == "sqlite":
        path = folder / "firn.db"
        db = sqlite3.connect(path)
        db.executescript(";".join(schema(SqlDialect.SQLITE)))
        db.execute("INSERT INTO store VALUES (1, ?, ?, 0)", (b"g" * 8, SERVER_NAME.encode()))
        db.commit()
        db.close()
        yield Scene(str(path)), lambda: _opened(path)
        return
    async with open_store(kind, folder) as store:
        name = (await store.database.fetch(Query(select(func.database()))))[0][0]
        address: Any = store.database._batches._address  # type: ignore[attr-defined]
        keys = ("host", "port", "user", "password")
        where = {**{key: address[key] for key in keys}, "db": name}

        @asynccontextmanager
        async def look() -> AsyncIterator[Any]:
            yield store.database

        yield Scene(where), look


@asynccontextmanager
async def _opened(path: Path) -> AsyncIterator[SqliteDatabase]:
    database = SqliteDatabase(path)
    try:
        yield database
    finally:
        await database.close()


@pytest.mark.parametrize("kind", STORE_KINDS)
async def test_F1_F2_killed_at_any_moment_nothing_acknowledged_is_lost_or_doubled(
    kind: str, tmp_path: Path
) -> None:
    dice, numbers = random.Random(1), range(400)
    async with open_scene(kind, tmp_path) as (scene, look):
        for _ in range(3):
            kill = dice.randrange(5, 60), dice.random() * 0.02
            await scene.run("w", numbers, kill_after=kill)
        while not await scene.run("w", numbers):
            pass
        assert len(scene.acknowledged) == len(numbers)
        async with look() as database:
            await scene.check(database, numbers)


@pytest.mark.parametrize("kind", STORE_KINDS)
async def test_F1_F2_killed_at_each_step_of_a_commit(kind: str, tmp_path: Path) -> None:
    numbers = range(60)
    async with open_scene(kind, tmp_path) as (scene, look):
        assert await scene.run("w", range(4))
        for step in ("before", "after", "during"):
            known = len(scene.acknowledged)
            assert not await scene.run("w", numbers, die=(step, 4))
            assert len(scene.acknowledged) > known
            async with look() as database:
                found = await check_logs(database)
            unknown = len(found) - len(scene.acknowledged)
            assert unknown == 0 if step == "before" else unknown >= (step == "after")
        assert await scene.run("w", numbers)
        async with look() as database:
            await scene.check(database, numbers)


async def test_F8_two_processes_hammer_one_room_while_one_of_them_is_killed(
    tmp_path: Path,
) -> None:
    mine, theirs = range(240), range(240, 480)
    async with open_scene("mysql", tmp_path) as (scene, look):
        assert await scene.run("a", range(4))

        async def killed() -> None:
            await scene.run("b", theirs, kill_after=(40, 0.003))
            assert await scene.run("b", theirs)

        lived, _ = await asyncio.gather(scene.run("a", mine), killed())
        assert lived
        async with look() as database:
            await scene.check(database, mine, theirs)
