"""F11 over the whole server: the wall clock jumps while it runs and while it is down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.client import Device
from tests.support.server import FirnProcess
from tests.support.storm import open_storm
from tests.support.turned import set_ahead

if TYPE_CHECKING:
    from pathlib import Path

HOUR, DAY = 3_600_000, 86_400_000


@pytest.mark.timeout(120)
@pytest.mark.parametrize("jump", [-HOUR, DAY])
async def test_F11_a_clock_that_jumps_changes_neither_order_nor_sessions(
    tmp_path: Path, store_url: str, jump: int
) -> None:
    clock = tmp_path / "ahead"
    firn = FirnProcess(tmp_path, store_url, program="tests.support.turned", arguments=(str(clock),))
    await firn.start()
    try:
        async with open_storm(firn.base, users=2, devices=1) as storm, storm.watched():
            await storm.blow(20)
            set_ahead(clock, jump)
            await storm.blow(20)
            await firn.restart()
            await storm.blow(20)
            set_ahead(clock, 0)
            await storm.blow(20)
            await storm.repeat()
            await storm.check()
            for device in storm.senders:
                whoami = await device.call("GET", "/account/whoami")
                assert whoami["user_id"] == device.user_id
            async with Device(firn.base) as again:
                await again.login("user0")
    finally:
        await firn.stop()
