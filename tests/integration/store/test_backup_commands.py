"""`firn backup` and `firn restore` where they cannot do their work."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from homeserver.bootstrap.stores import open_database
from homeserver.config import load
from homeserver.infrastructure.sql.lock_file import lock_file
from tests.integration.store.test_dump import everything
from tests.support.command import run_here
from tests.support.server import FirnProcess

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


def content(firn: FirnProcess) -> dict[str, list[Any]]:
    """All rows of a server's store."""

    async def read() -> dict[str, list[Any]]:
        database = await open_database(load(None, firn.environ).settings)
        try:
            return await everything(database)
        finally:
            await database.close()

    return asyncio.run(read())


def test_F14_what_cannot_be_restored_changes_nothing(store_url: str, tmp_path: Path) -> None:
    firn = FirnProcess(tmp_path, store_url)
    assert run_here(firn, "user", "add", "alice", text="correct horse\n").code == 0
    saved = tmp_path / "backup"
    assert run_here(firn, "backup", str(saved)).code == 0
    assert run_here(firn, "user", "add", "bob", text="correct horse\n").code == 0
    before = content(firn)
    dump = saved / "store.dump.gz"
    whole = dump.read_bytes()
    broken = {
        "cut": whole[: len(whole) // 2],
        "flipped": whole[:200] + bytes([whole[200] ^ 0xFF]) + whole[201:],
        "empty": b"",
        "no backup": b"hello",
    }
    for name, data in broken.items():
        dump.write_bytes(data)
        ran = run_here(firn, "restore", str(saved))
        assert ran.code == 3, (name, ran)
        assert ran.err.startswith("firn: "), (name, ran.err)
        assert ran.err.count("\n") == 1, (name, ran.err)
        assert content(firn) == before, name
    dump.write_bytes(whole)
    stranger = FirnProcess(tmp_path / "stranger", settings={"FIRN__SERVER_NAME": "else.test"})
    ran = run_here(stranger, "restore", str(saved))
    assert (ran.code, ran.err.count("\n")) == (3, 1), ran
    assert "firn.test" in ran.err
    assert run_here(firn, "restore", str(saved)).code == 0
    assert [row[1] for row in content(firn)["matrix_user"]] == [b"@alice:firn.test"]


def test_F14_commands_say_in_one_line_what_is_wrong(tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "file").touch()
    firn = FirnProcess(tmp_path)
    nobody = FirnProcess(tmp_path, "mysql://nobody:x@127.0.0.1:1/nothing")
    wrong = FirnProcess(tmp_path, "postgres://nobody@127.0.0.1/nothing")
    assert run_here(firn, "migrate").code == 0
    held = lock_file(tmp_path / "data" / "firn.lock", "is a server that runs")
    try:
        for where, arguments in (
            (firn, ("backup", str(tmp_path / "running"))),
            (firn, ("backup", str(full))),
            (firn, ("restore", str(tmp_path / "nowhere"))),
            (firn, ("migrate",)),
            (firn, ("user", "add", "carol")),
            (firn, ("user", "lock", "carol")),
            (nobody, ("backup", str(tmp_path / "one"))),
            (nobody, ("migrate",)),
            (nobody, ("user", "add", "carol")),
            (wrong, ("backup", str(tmp_path / "two"))),
            (wrong, ("migrate",)),
        ):
            ran = run_here(where, *arguments, text="a long password\n")
            assert ran.code == 3, (arguments, ran)
            assert ran.err.startswith("firn: "), (arguments, ran.err)
            assert ran.err.count("\n") == 1, (arguments, ran.err)
            assert "nobody:x" not in ran.err
    finally:
        os.close(held)
