"""A `firn serve` process to measure, on a free loopback port."""

from __future__ import annotations

import asyncio
import resource
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.load.client import LoadError
from tests.support.server import FirnProcess

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.load.places import Place

ROOT = Path(__file__).parents[2]
SERVER_NAME = "bench.test"
_STOP_S = 30.0
_SETTINGS = {"FIRN__SERVER_NAME": SERVER_NAME, "FIRN__LOG__LEVEL": "warning"}


@dataclass(frozen=True)
class Server:
    """A running server."""

    base: str
    pid: int


@contextmanager
def running(
    place: Place, settings: Mapping[str, str] | None = None, *, program: str = "homeserver"
) -> Iterator[Server]:
    """Serve from a place; `program` is the module that Python runs. Raises LoadError."""
    raise_file_limit()
    firn = FirnProcess(place.folder, place.url, _SETTINGS | dict(settings or {}), program=program)
    with asyncio.Runner() as runner:
        try:
            yield Server(firn.base, runner.run(_start(firn)))
        finally:
            runner.run(_stop(firn))


async def _start(firn: FirnProcess) -> int:
    try:
        await firn.start()
    except RuntimeError as error:
        raise LoadError(f"the server did not start:\n{str(error)[-2000:]}") from error
    assert firn.process is not None
    return firn.process.pid


async def _stop(firn: FirnProcess) -> None:
    try:
        await asyncio.wait_for(firn.stop(), _STOP_S)
    except TimeoutError:
        await firn.stop(signal.SIGKILL)


def raise_file_limit() -> None:
    """Each idle connection is a file of the server, which inherits the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
