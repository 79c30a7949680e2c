"""The database refuses connections for a while: clients are told to try again, and can."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import make_url

from tests.support.client import Device, MatrixRefusal
from tests.support.server import running_firn
from tests.support.tcp_proxy import open_proxy

if TYPE_CHECKING:
    from pathlib import Path


async def test_F6_a_database_that_is_away_is_503_and_no_message_is_lost(
    tmp_path: Path, mysql_database_url: str
) -> None:
    address = make_url(mysql_database_url)
    assert address.host is not None
    async with open_proxy(address.host, address.port or 3306) as proxy:
        url = address.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
        async with running_firn(tmp_path, url) as firn, Device(firn.base) as romeo:
            await romeo.register("romeo")
            room = await romeo.create_room()
            proxy.down = True
            proxy.cut_all()
            for method, path in (
                ("PUT", f"/rooms/{room}/send/m.room.message/t1"),
                ("GET", f"/rooms/{room}/messages?dir=b"),
                ("GET", "/sync"),
            ):
                with pytest.raises(MatrixRefusal) as refusal:
                    await romeo.call(method, path, {"body": "x"} if method == "PUT" else None)
                assert refusal.value.status == 503
                assert "mysql" not in refusal.value.body["error"].lower()
            proxy.down = False
            sent = await romeo.send(room, "x", txn="t1")
            await romeo.sync()
            assert romeo.rooms[room].timeline[-1]["event_id"] == sent
