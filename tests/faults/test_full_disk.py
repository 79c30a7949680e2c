"""F10 over the whole server: the disk of the embedded store is full, then has room again."""

from __future__ import annotations

import os
import resource
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.support.client import Device, MatrixRefusal
from tests.support.invariants import Ledger, check_room
from tests.support.server import FirnProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB = 1 << 20


class Disk(Protocol):
    """Something that can be filled up for a process."""

    def fill(self, pid: int) -> None:
        """From now on there is room for next to nothing."""
        ...

    def free(self, pid: int) -> None:
        """From now on there is room."""
        ...


class SmallDisk:
    """A file system of 16 MiB."""

    def __init__(self, folder: Path) -> None:
        self._filler = folder / "filler"

    def fill(self, pid: int) -> None:
        with self._filler.open("wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError:
                return

    def free(self, pid: int) -> None:
        self._filler.unlink()


class SmallFiles:
    """A limit of the process: no file may grow. Needs no rights."""

    def fill(self, pid: int) -> None:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, hard))

    def free(self, pid: int) -> None:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


@contextmanager
def _mounted(folder: Path) -> Iterator[None]:
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "firn-test", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False).returncode:
        pytest.skip("only root can mount a small disk; the limit on files stands in for it")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(params=["small disk", "small files"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    """Two ways to have no room; the store lies in `tmp_path/data`."""
    folder = tmp_path / "data"
    folder.mkdir()
    if request.param == "small files":
        yield SmallFiles()
        return
    with _mounted(folder):
        yield SmallDisk(folder)


@pytest.mark.timeout(90)
async def test_F10_writes_get_503_reads_go_on_and_room_heals(tmp_path: Path, disk: Disk) -> None:
    firn = FirnProcess(tmp_path)
    await firn.start()
    assert firn.process is not None
    pid = firn.process.pid
    try:
        async with Device(firn.base) as alice, Device(firn.base) as reader:
            await alice.register("alice")
            await reader.login("alice")
            room, ledger = await alice.create_room(), Ledger()
            for number in range(5):
                await ledger.send(alice, room, f"a{number}", f"before {number}")
            await reader.sync()
            disk.fill(pid)
            refused = await _until_refused(alice, room, ledger)
            for _ in range(3):
                for who, path in ((alice, f"/rooms/{room}/messages?dir=b"), (reader, "/sync")):
                    assert await who.call("GET", path)
                with pytest.raises(MatrixRefusal) as full:
                    await alice.send(room, "x" * 60_000, txn=refused)
                assert full.value.status == 503
                with pytest.raises(MatrixRefusal) as full:
                    await alice.create_room()
                assert full.value.status == 503
            disk.free(pid)
            await ledger.send(alice, room, refused, "there is room again")
            for number in range(5):
                await ledger.send(alice, room, f"b{number}", f"after {number}")
            assert firn.process.returncode is None
            await check_room([alice, reader], room, ledger)
            await firn.restart()
            await check_room([alice, reader], room, ledger)
    finally:
        await firn.stop()


async def _until_refused(device: Device, room: str, ledger: Ledger) -> str:
    """Send until there is no room; the transaction that was refused."""
    for number in range(2000):
        txn, text = f"full{number}", f"{number} " + "x" * 60_000
        try:
            event_id = await device.send(room, text, txn=txn)
        except MatrixRefusal as refusal:
            if refusal.status != 503:
                raise
            return txn
        ledger.acknowledge(device, room, txn, text, event_id)
    raise AssertionError("the disk is never full")
