"""What users report, and what is kept of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from homeserver.infrastructure.sql.reports import SqlReportStore
from tests.integration.directory.test_published import refusal
from tests.integration.directory.test_summary import HOW, make

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown

NOT_FOUND = (404, "M_NOT_FOUND")


def reporting(kind: str, *names: str) -> str:
    """Where something is reported."""
    first, *rest = (quote(name, safe="") for name in names)
    return "/".join([f"/{kind}/{first}/report", *rest])


async def kept(town: SyncTown, limit: int = 10) -> list[dict[str, Any]]:
    """The reports, newest first, as far as the test foresees them."""
    found = await SqlReportStore(town.store.database).newest(limit)
    names = ("reporter_nid", "reason", "room_id", "event_id", "user_id")
    assert all(report.nid and report.ts > 1_600_000_000_000 for report in found)
    return [{name: getattr(report, name) for name in names} for report in found]


async def test_rooms_events_and_users_are_reported(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    event = await romeo.send(room, "bad")
    for path, reason in (
        (reporting("rooms", room), ""),
        (reporting("rooms", room, event), "this makes me sad 会"),
        (reporting("users", romeo.user_id), "x" * 16 * 1024),
    ):
        assert await juliet.call("POST", path, {"reason": reason, "score": -100}) == {}
    await juliet.call("POST", reporting("rooms", room, event), {})
    nothing = {"reporter_nid": town.requester(juliet).user_nid, "reason": ""}
    of_event = {**nothing, "room_id": room, "event_id": event, "user_id": None}
    of_room = {**nothing, "room_id": room, "event_id": None, "user_id": None}
    of_user = {**nothing, "room_id": None, "event_id": None, "user_id": romeo.user_id}
    assert await kept(town) == [
        of_event,
        {**of_user, "reason": "x" * 16 * 1024},
        {**of_event, "reason": "this makes me sad 会"},
        of_room,
    ]


async def test_reports_are_read_in_pages(town: SyncTown, romeo: Phone) -> None:
    room = await romeo.create_room()
    for number in range(5):
        await romeo.call("POST", reporting("rooms", room), {"reason": f"{number}"})
    store, found = SqlReportStore(town.store.database), []
    before = None
    while some := await store.newest(2, before):
        found += [report.reason for report in some]
        before = some[-1]
    assert found == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize("how", HOW)
async def test_D8_who_may_report_what(
    town: SyncTown, romeo: Phone, juliet: Phone, how: str
) -> None:
    room = await make(romeo, juliet, how, "world_readable")
    event = await romeo.send(room, "bad")
    body = {"reason": "x"}
    assert await juliet.call("POST", reporting("rooms", room), body) == {}
    if how == "join":
        assert await juliet.call("POST", reporting("rooms", room, event), body) == {}
    else:
        assert await refusal(juliet, "POST", reporting("rooms", room, event), body) == NOT_FOUND
    assert len(await kept(town)) == 1 + (how == "join")


@pytest.mark.parametrize(
    ("path", "body", "refused"),
    [
        (reporting("rooms", "!none:firn.test"), {"reason": "x"}, NOT_FOUND),
        (reporting("rooms", "!none:firn.test", "$none"), {"reason": "x"}, NOT_FOUND),
        (reporting("users", "@none:firn.test"), {"reason": "x"}, NOT_FOUND),
        (reporting("users", "none"), {"reason": "x"}, (400, "M_INVALID_PARAM")),
        (reporting("users", "@none:firn.test"), {}, (400, "M_MISSING_PARAM")),
        (reporting("users", "@romeo:firn.test"), {"reason": 5}, (400, "M_BAD_JSON")),
        (reporting("users", "@romeo:firn.test"), [], (400, "M_BAD_JSON")),
        (
            reporting("users", "@romeo:firn.test"),
            {"reason": "é" * 16 * 1024},
            (413, "M_TOO_LARGE"),
        ),
    ],
)
async def test_bad_reports_are_not_kept(
    town: SyncTown, romeo: Phone, path: str, body: Any, refused: tuple[int, str]
) -> None:
    assert await refusal(romeo, "POST", path, body) == refused
    room = await romeo.create_room()
    assert await refusal(romeo, "POST", reporting("rooms", room), {}) == (400, "M_MISSING_PARAM")
    assert await refusal(romeo, "POST", reporting("rooms", room, "$no"), {}) == NOT_FOUND
    assert await kept(town) == []
