"""A second process on a store: what is refused, what may work beside a server."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from tests.support.client import Device, MatrixRefusal
from tests.support.command import run_firn, run_here
from tests.support.server import FirnProcess

if TYPE_CHECKING:
    from pathlib import Path


def beside(firn: FirnProcess, folder: Path | None = None, **settings: str) -> FirnProcess:
    """Another process on the same store, with the same data folder or its own."""
    return FirnProcess(folder or firn.folder, firn.database_url, firn.settings | settings)


async def test_F8_a_second_server_is_refused_in_one_line(firn: FirnProcess, tmp_path: Path) -> None:
    async with Device(firn.base) as alice:
        await alice.register("alice")
        twin = beside(firn)
        named = beside(firn, FIRN__WORKER__NAME="second")
        for other, reason in ((twin, "another process is worker main"), (named, "")):
            ran = await run_firn(other, "serve")
            assert ran.code == 3, ran
            lines = ran.err.strip().splitlines()
            assert len(lines) == 1, ran
            assert "store.unusable" in lines[0]
            wanted = reason or (
                "worker main serves from this store: several workers need redis.url"
                if firn.database_url
                else "another process uses this store"
            )
            assert wanted in lines[0]
        await alice.create_room()


async def test_what_cannot_be_served_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = FirnProcess(tmp_path, port=taken.getsockname()[1])
        (tmp_path / "file").touch()
        nowhere = FirnProcess(tmp_path, settings={"FIRN__DATA_DIR": str(tmp_path / "file")})
        for firn, setting in ((busy, "listen: "), (nowhere, "data_dir: ")):
            ran = await run_firn(firn, "serve")
            assert ran.code == 1, ran
            assert ran.err.count("\n") == 1, ran
            assert f'"reason": "{setting}' in ran.err


async def test_F8_another_name_may_follow_at_once(firn: FirnProcess) -> None:
    """A server that stops gives its slot back."""
    await firn.stop()
    other = beside(firn, FIRN__WORKER__NAME="second")
    await other.start()
    assert await other.stop() == 0


@pytest.mark.parametrize("store_url", ["mysql"], indirect=True)
async def test_F8_a_server_whose_slot_was_taken_stops(
    firn: FirnProcess, tmp_path_factory: pytest.TempPathFactory
) -> None:
    thief = beside(firn, tmp_path_factory.mktemp("thief"))
    await thief.start()
    try:
        assert firn.process is not None
        assert await asyncio.wait_for(firn.process.wait(), 15) == 4
        async with Device(thief.base) as alice:
            await alice.register("alice")
    finally:
        await thief.stop()


async def test_F8_commands_work_beside_a_server_in_turn(firn: FirnProcess) -> None:
    if not firn.database_url:
        await firn.stop()
    names = ("bob", "carol", "dave")
    if firn.database_url:
        ran = await asyncio.gather(
            *(run_firn(firn, "user", "add", name, text="correct horse\n") for name in names)
        )
    else:
        ran = [await run_firn(firn, "user", "add", n, text="correct horse\n") for n in names]
    assert [r.code for r in ran] == [0, 0, 0], ran
    if not firn.database_url:
        await firn.start()
    for name in names:
        async with Device(firn.base) as device:
            await device.login(name)
            await device.create_room()


async def test_D4_an_operator_locks_and_unlocks(firn: FirnProcess) -> None:
    async with Device(firn.base) as alice:
        await alice.register("alice")
        await firn.stop()
        assert (
            await asyncio.to_thread(run_here, firn, "user", "lock", "alice")
        ).out == "@alice:firn.test\n"
        await firn.start()
        with pytest.raises(MatrixRefusal) as refused:
            await alice.create_room()
        assert (refused.value.status, refused.value.errcode) == (401, "M_USER_LOCKED")
        await firn.stop()
        unlocked = await asyncio.to_thread(run_here, firn, "user", "unlock", "@alice:firn.test")
        assert unlocked.code == 0
        nobody = await asyncio.to_thread(run_here, firn, "user", "lock", "nobody")
        assert (nobody.code, nobody.err) == (1, "firn: No such account\n")
        await firn.start()
        await alice.create_room()
