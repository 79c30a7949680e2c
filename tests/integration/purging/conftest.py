"""An administrator, and short words for purges."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest_asyncio

from tests.support.client import MatrixRefusal

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown


@pytest_asyncio.fixture
async def admin(town: SyncTown) -> Phone:
    """Who runs the server, and is in no room."""
    return await administrator(town)


async def administrator(town: SyncTown) -> Phone:
    """A new one."""
    phone = await town.phone("admin")
    town.known[phone.token] = replace(town.known[phone.token], is_admin=True)
    return phone


async def purge(admin: Phone, room: str, **before: Any) -> str:
    """Order a purge; the id of the order."""
    path = f"/_firn/admin/v1/rooms/{quote(room)}/purge"
    return str((await admin.call("POST", path, before))["purge_id"])


async def status(admin: Phone, room: str, purge_id: str) -> dict[str, Any]:
    """How far an order is."""
    path = f"/_firn/admin/v1/rooms/{quote(room)}/purges/{purge_id}"
    found: dict[str, Any] = await admin.call("GET", path)
    return found


async def refusal(who: Phone, method: str, room: str, path: str, **query: Any) -> tuple[int, str]:
    """Status and error code of a request that is refused."""
    try:
        answer = await who.room_call(method, room, path, **query)
    except MatrixRefusal as error:
        return error.status, error.errcode
    msg = f"not refused: {answer}"
    raise AssertionError(msg)


async def is_purged(who: Phone, room: str, event_id: str) -> None:
    """Assert that an event is nowhere to be had by its id."""
    for path in ("event", "context"):
        answer = await refusal(who, "GET", room, f"{path}/{quote(event_id)}")
        assert answer == (404, "M_NOT_FOUND")
