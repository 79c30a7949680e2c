"""A worker process that sends numbered messages, to be killed at any moment.

`python -m tests.support.sender '{"store": …, "worker": …, "room": …, "lanes": […], "die": …}'`

`store` is a path of SQLite or the keyword arguments of `MySqlDatabase.connect`. Without
`room` it makes one. Each lane is a list of numbers, sent one after another; lanes run
beside each other. `die` is [step, n]: kill this process at the n-th such step. Lines on
stdout: `room <id>`, then `ack <number> <event id>` once a message is answered, `done`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.embedded.ids import SystemIds
from homeserver.infrastructure.sql.mysql_database import MySqlDatabase
from homeserver.infrastructure.sql.room_store import SqlRoomStore
from homeserver.infrastructure.sql.sqlite_database import SqliteDatabase
from homeserver.infrastructure.sql.writer import GroupCommitWriter
from tests.support.store import SERVER_NAME, Worker
from tests.support.town import Town

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from homeserver.application.requester import Requester
    from homeserver.domain.rooms.room import Room
    from homeserver.infrastructure.sql.batch import Batch
    from homeserver.infrastructure.sql.database import Commit, Database


class Mortal:
    """A database whose process dies at the n-th commit: `before` or `after` it is stored."""

    def __init__(self, database: Database, step: str, count: int) -> None:
        """Stand before this database."""
        self._db, self._step, self._left = database, step, count
        self.dialect = database.dialect

    async def commit(self, batch: Batch) -> None:
        """Commit, and die in time."""
        await self._around(self._db.commit, batch)

    @asynccontextmanager
    async def hold(self, rooms: Sequence[int]) -> AsyncIterator[Commit]:
        """Hold rooms; the batch in it counts too."""
        async with self._db.hold(rooms) as commit:
            yield lambda batch: self._around(commit, batch)

    async def _around(self, commit: Commit, batch: Batch) -> None:
        self._left -= 1
        if not self._left and self._step == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        if not self._left and self._step == "during":
            asyncio.get_running_loop().call_later(0.0004, os.kill, os.getpid(), signal.SIGKILL)
        await commit(batch)
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)


class _Site:
    """What `Town` needs of a store."""

    server_name = SERVER_NAME

    def __init__(self, database: Database) -> None:
        self.database, self.ids = database, SystemIds()


def say(*words: object) -> None:
    """Tell the parent."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


class Nobody:
    """A stream without readers."""

    def certify(self, *_: object) -> None:
        """Nobody reads here."""


async def run(task: dict[str, Any]) -> None:
    """Send all lanes."""
    where = task["store"]
    database: Any = (
        SqliteDatabase(Path(where))
        if isinstance(where, str)
        else await MySqlDatabase.connect(**where)
    )
    if task.get("die"):
        database = Mortal(database, *task["die"])
    rooms = SqlRoomStore(database)
    writer = GroupCommitWriter(
        database=database,
        rooms=rooms,
        stream=Nobody(),
        clock=SystemClock(),
        ids=SystemIds(),
        worker=task["worker"],
    )
    await writer.start()
    town = Town(_Site(database), Worker(task["worker"], writer, rooms, None))  # type: ignore[arg-type]
    alice = await town.user("alice")
    room = await town.registry.get(task["room"]) if task.get("room") else await town.room(alice)
    say("room", room.room_id)
    await asyncio.gather(*[_lane(town, alice, room, lane) for lane in task["lanes"]])
    await writer.stop()
    await database.close()
    say("done")


async def _lane(town: Town, alice: Requester, room: Room, numbers: list[int]) -> None:
    for number in numbers:
        event_id = await town.say(alice, room, f"m{number}")
        say("ack", number, event_id)


if __name__ == "__main__":
    asyncio.run(run(json.loads(sys.argv[1])))
