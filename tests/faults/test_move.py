"""`firn move`: a live embedded server goes to MariaDB, and nobody notices more than a pause."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from contextlib import AsyncExitStack, closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import create_engine, text

from homeserver.bootstrap.stores import connect_mysql
from homeserver.domain.shared.base64 import decode_base64
from homeserver.infrastructure.control.client import control
from homeserver.infrastructure.control.wire import RefusedError
from homeserver.infrastructure.sql.errors import StoreDownError
from homeserver.infrastructure.sql.migrate import HEAD, make_schema, mysql_url
from homeserver.infrastructure.sql.sqlite_database import instant
from tests.integration.store.test_dump import everything
from tests.support.client import Device, MatrixRefusal
from tests.support.command import run_firn, run_here
from tests.support.server import FirnProcess, running_firn
from tests.support.storm import open_storm
from tests.support.workers import running_workers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Ran

pytestmark = pytest.mark.timeout(300)  # schemas are made and servers start, on a busy machine


async def move(firn: FirnProcess, url: str, *options: str) -> Ran:
    """Move a server's store, its address given as an operator would hide it."""
    return await asyncio.to_thread(run_here, firn, "move", *options, text=url + "\n")


async def rows_of_file(firn: FirnProcess) -> dict[str, list[Any]]:
    """All rows of an embedded store, beside its server."""
    async with instant(firn.folder / "data" / "firn.db") as reader:
        return await everything(reader)


async def rows_of(url: str) -> dict[str, list[Any]]:
    """All rows of a shared store."""
    database = await connect_mysql(url, 2)
    try:
        return await everything(database)
    finally:
        await database.close()


def without_beats(rows: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """All but when slots were last held: those of the new store are free."""
    return rows | {"writer_slot": [row[:-1] for row in rows["writer_slot"]]}


async def test_a_live_server_moves_with_everything_it_acknowledged(
    tmp_path: Path, mysql_database_url: str
) -> None:
    """Ids, positions and tokens stay; who was writing or syncing goes on on another server."""
    async with (
        running_firn(tmp_path) as old,
        open_storm(old.base) as storm,
        AsyncExitStack() as workers,
    ):
        await storm.blow(50)
        async with storm.watched(), storm.blowing():
            moved = await move(old, mysql_database_url)
            assert moved.code == 0, moved
            assert "nothing could be written for" in moved.out
            there = await rows_of(mysql_database_url)
            assert without_beats(there) == without_beats(await rows_of_file(old))
            await _is_read_only(storm.senders[0], storm.room)
            (worker,) = await workers.enter_async_context(
                running_workers(tmp_path, mysql_database_url, "a")
            )
            storm.go_to(worker.base)
            await storm.acknowledged(50)
        await storm.check()
        await storm.repeat(last=50)
        async with Device(worker.base) as again:
            await again.login("user0")
        assert await old.stop() == 0
        ran = await run_firn(old, "serve")
        assert (ran.code, "was moved to mysql://" in ran.err) == (3, True), ran


async def _is_read_only(device: Device, room: str) -> None:
    """The old server answers reads, and tells writers to come back."""
    with pytest.raises(MatrixRefusal) as refused:
        await device.send(room, "too late")
    answer = refused.value
    assert (answer.status, answer.errcode, answer.headers["Retry-After"]) == (503, "M_UNKNOWN", "1")
    await device.sync()
    assert (await device.room_call("GET", room, "messages", dir="b"))["chunk"]


async def test_a_move_that_is_killed_changes_nothing_and_is_repeated(
    tmp_path: Path, mysql_database_url: str
) -> None:
    async with running_firn(tmp_path) as old, open_storm(old.base, users=1) as storm:
        await storm.blow(20)
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "homeserver", "move", mysql_database_url),
            env=old.environ,
            stdout=asyncio.subprocess.PIPE,
        )
        assert child.stdout is not None
        assert b" rows" in await child.stdout.readline()
        child.kill()
        await child.communicate()
        await storm.blow(20)
        half = FirnProcess(tmp_path / "half", mysql_database_url)
        half.folder.mkdir()
        ran = await run_firn(half, "serve")
        assert (ran.code, "`firn move` is filling this store" in ran.err) == (3, True), ran
        await old.restart()
        await storm.blow(20)
        await _give_up_writing(old, mysql_database_url)
        with pytest.raises(MatrixRefusal):
            await storm.senders[0].send(storm.room, "too late")
        assert (await move(old, mysql_database_url)).code == 0
        there = await rows_of(mysql_database_url)
        assert without_beats(there) == without_beats(await rows_of_file(old))
        assert {row[3] for row in there["event"]} >= _digests(storm.ledger.ids.values())
        again = await move(old, mysql_database_url)
        assert (again.code, "not empty" in again.err) == (3, True), again
        elsewhere = await move(old, "mysql://firn:x@127.0.0.1:1/firn_other")
        assert (elsewhere.code, "was moved to mysql://" in elsewhere.err) == (3, True), elsewhere


async def _give_up_writing(firn: FirnProcess, url: str) -> None:
    """What a command has done that is killed before it opens the new store."""
    parts = urlsplit(url)
    async with control(firn.folder / "data") as command:
        await command.ask("begin to move")
        await command.ask("freeze", seconds=60)
        target = f"mysql://{parts.hostname}:{parts.port}{parts.path}"
        await command.ask("finish the move", target=target)


def _digests(event_ids: Any) -> set[bytes]:
    return {decode_base64(event_id[1:]) for event_id in event_ids}


async def test_a_server_holds_still_only_while_the_command_lives_and_not_for_long(
    tmp_path: Path,
) -> None:
    async with running_firn(tmp_path) as old, Device(old.base) as alice:
        await alice.register("alice")
        room = await alice.create_room()
        data = old.folder / "data"
        assert (data / "control.sock").stat().st_mode & 0o777 == 0o600
        async with control(data) as first:
            await first.ask("begin to move")
            async with control(data) as second:
                with pytest.raises(RefusedError, match="another `firn move`"):
                    await second.ask("begin to move")
                with pytest.raises(RefusedError, match="another version"):
                    await second.ask("do magic")
            await first.ask("freeze", seconds=60)
            with pytest.raises(MatrixRefusal):
                await alice.send(room, "refused")
        await _until_written(alice, room)  # the first has gone
        async with control(data) as slow:
            await slow.ask("begin to move")
            await slow.ask("freeze", seconds=0.05)
            await _until_written(alice, room)
            with pytest.raises(RefusedError, match="took too long"):
                await slow.ask("finish the move", target="mysql://nowhere")
            keys, left = await slow.ask("take changes", most=1_000)
            assert (len(keys["event"]), left) == (1, 0)
        await old.restart()
        await alice.send(room, "as if nothing had been")


async def _until_written(device: Device, room: str) -> None:
    while True:
        try:
            await device.send(room, "written")
        except MatrixRefusal as refusal:
            if refusal.status != 503:
                raise
            await asyncio.sleep(0.02)
        else:
            return


def _set_version(firn: FirnProcess, version: str) -> None:
    """Let an embedded store be of another schema."""
    with closing(sqlite3.connect(firn.folder / "data" / "firn.db")) as db, db:
        db.execute("UPDATE alembic_version SET version_num = ?", (version,))


def test_a_move_only_goes_to_tables_of_this_version(mysql_database_url: str) -> None:
    url = mysql_url(mysql_database_url)
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE other (id INT)"))
        with pytest.raises(StoreDownError, match="something else"):
            make_schema(url)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
            connection.execute(text("INSERT INTO alembic_version VALUES ('9999')"))
        with pytest.raises(StoreDownError, match="9999"):
            make_schema(url)
    finally:
        engine.dispose()


async def test_a_stopped_server_moves_too_but_only_what_fits(
    tmp_path: Path, mysql_database_url: str
) -> None:
    """Refused in one line: no such store, a shared one, a taken one, another server's."""
    nothing = FirnProcess(tmp_path / "nothing")
    shared = FirnProcess(tmp_path, mysql_database_url)
    stranger = FirnProcess(tmp_path, settings={"FIRN__SERVER_NAME": "else.test"})
    firn = FirnProcess(tmp_path)
    added = await asyncio.to_thread(run_here, firn, "user", "add", "alice", text="long enough\n")
    assert added.code == 0
    before = await rows_of_file(firn)
    for where, url, reason in (
        (nothing, mysql_database_url, "is not there"),
        (shared, mysql_database_url, "only the embedded store"),
        (firn, "postgres://a@b/c", "must be like mysql://"),
        (firn, "mysql://nobody:secret@127.0.0.1:1/nothing", ""),
        (stranger, mysql_database_url, "belongs to firn.test"),
    ):
        ran = await move(where, url)
        assert (ran.code, ran.err.count("\n"), reason in ran.err) == (3, 1, True), ran
        assert "secret" not in ran.err
    _set_version(firn, "0000")
    older = await move(firn, mysql_database_url)
    assert (older.code, "run `firn migrate`" in older.err) == (3, True), older
    _set_version(firn, HEAD)
    assert await rows_of_file(firn) == before
    assert (await move(firn, mysql_database_url)).code == 0
    assert without_beats(await rows_of(mysql_database_url)) == without_beats(before)
    moved = FirnProcess(tmp_path, mysql_database_url)
    await moved.start()
    try:
        async with Device(moved.base) as alice:
            await alice.login("alice", "long enough")
    finally:
        await moved.stop()
