"""The spine's story with a foreign client: matrix-nio, through a restart of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.phones import NioPhone
from tests.support.server import running_firn
from tests.support.story import Cast, play

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.server import FirnProcess


@pytest.fixture
async def firn(tmp_path: Path, store_url: str) -> AsyncIterator[FirnProcess]:
    """A server on each store."""
    async with running_firn(tmp_path, store_url) as process:
        yield process


@pytest.mark.timeout(120)
async def test_two_users_with_two_devices_each_talk_through_a_restart(firn: FirnProcess) -> None:
    names = ("romeo", "romeo", "juliet", "juliet")
    cast = Cast(*(NioPhone(firn.base, name) for name in names))
    try:
        await play(cast, firn.restart)
    finally:
        await cast.leave()
