"""Orders of purges: who may give them, what they may name, and how far they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.integration.purging.conftest import purge, status
from tests.support.purging import EVER, clear

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown

BAD: list[tuple[dict[str, Any], int, str]] = [
    ({}, 400, "M_MISSING_PARAM"),
    ({"before_ts": None}, 400, "M_MISSING_PARAM"),
    ({"before_ts": 1, "before_event_id": "$x"}, 400, "M_INVALID_PARAM"),
    ({"before_ts": -1}, 400, "M_INVALID_PARAM"),
    ({"before_ts": 2**53}, 400, "M_INVALID_PARAM"),
    ({"before_ts": True}, 400, "M_BAD_JSON"),
    ({"before_ts": "1"}, 400, "M_BAD_JSON"),
    ({"before_event_id": 1}, 400, "M_BAD_JSON"),
    ({"before_event_id": "$" + "a" * 43}, 404, "M_NOT_FOUND"),
    ({"before_event_id": "no id"}, 404, "M_NOT_FOUND"),
]


def _path(room: str, rest: str = "purge") -> str:
    return f"/_firn/admin/v1/rooms/{quote(room)}/{rest}"


async def test_only_administrators_purge_and_ask(admin: Phone, romeo: Phone) -> None:
    room = await romeo.create_room()
    sent = await romeo.send(room, "mine")
    purge_id = await purge(admin, room, before_event_id=sent)
    for method, rest in (("POST", "purge"), ("GET", f"purges/{purge_id}")):
        body = {"before_event_id": sent} if method == "POST" else None
        found = await romeo.raw(method, _path(room, rest), body)
        assert found[0] == 403
        assert "M_FORBIDDEN" in found[1]
        assert (await romeo.raw(method, _path(room, rest), body, token=""))[0] == 401


@pytest.mark.parametrize(("body", "code", "error"), BAD)
async def test_what_no_order_may_say_is_refused(
    admin: Phone, romeo: Phone, body: dict[str, Any], code: int, error: str
) -> None:
    room = await romeo.create_room()
    found, text = await admin.raw("POST", _path(room), body)
    assert (found, error in text) == (code, True)


async def test_unknown_rooms_and_orders_are_not_found(admin: Phone, romeo: Phone) -> None:
    room, other = await romeo.create_room(), await romeo.create_room()
    purge_id = await purge(admin, room, before_ts=1)
    for method, path in (
        ("POST", _path("!nowhere:firn.test")),
        ("GET", _path("!nowhere:firn.test", f"purges/{purge_id}")),
        ("GET", _path(other, f"purges/{purge_id}")),
        ("GET", _path(room, "purges/unknown")),
    ):
        found, text = await admin.raw(method, path, {"before_ts": 1} if method == "POST" else None)
        assert (found, "M_NOT_FOUND" in text) == (404, True)


async def test_it_is_told_how_far_a_purge_is(town: SyncTown, admin: Phone, romeo: Phone) -> None:
    room = await romeo.create_room()
    sent = [await romeo.send(room, f"{n}") for n in range(20)]
    before = (await town.core.rooms.get(room)).head.seq - 20
    first = await purge(admin, room, before_event_id=sent[8])
    found = await status(admin, room, first)
    assert (found["status"], found["total"], found["cleared"]) == ("active", before + 8, 0)
    store = town.purging.keep_purging._store
    what = await store.due(EVER)
    assert what is not None
    await store.clear(what, 5)
    found = await status(admin, room, first)
    assert (found["status"], found["cleared"]) == ("active", 5)
    second = await purge(admin, room, before_event_id=sent[12])
    assert (await status(admin, room, first))["cleared"] == 5
    await clear(town.core.database)
    for order, total in ((first, before + 8), (second, 4)):
        found = await status(admin, room, order)
        assert (found["status"], found["total"], found["cleared"]) == ("complete", total, total)


async def test_a_purge_of_nothing_is_complete_at_once(
    town: SyncTown, admin: Phone, romeo: Phone
) -> None:
    room = await romeo.create_room()
    sent = [await romeo.send(room, f"{n}") for n in range(3)]
    last = await purge(admin, room, before_event_id=sent[2])
    await clear(town.core.database)
    for wanted in ({"before_ts": 1}, {"before_event_id": sent[2]}):
        found = await status(admin, room, await purge(admin, room, **wanted))
        assert (found["status"], found["total"], found["cleared"]) == ("complete", 0, 0)
    assert (await status(admin, room, last))["status"] == "complete"
    assert await town.purging.keep_purging.step() is False
