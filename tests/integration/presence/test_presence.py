"""Presence as clients see it, on both forms of the server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from homeserver.application.presence import person
from homeserver.config import LiveSettings, load
from tests.support.client import MatrixRefusal
from tests.support.streaming import streaming

if TYPE_CHECKING:
    from tests.support.cluster import ClusterTown
    from tests.support.syncing import Phone, SyncTown


async def _stage(romeo: Phone, juliet: Phone) -> str:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    return room


async def _put(phone: Phone, state: str, **more: Any) -> None:
    path = f"/presence/{quote(phone.user_id)}/status"
    await phone.call("PUT", path, {"presence": state, **more})


async def _get(phone: Phone, of: Phone) -> dict[str, Any]:
    found: dict[str, Any] = await phone.call("GET", f"/presence/{quote(of.user_id)}/status")
    return found


def _told(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    events = answer.get("presence", {}).get("events", [])
    assert all(event["type"] == "m.presence" for event in events)
    return {event["sender"]: event["content"] for event in events}


async def _hears(phone: Phone, of: Phone, state: str, **query: Any) -> dict[str, Any]:
    """Sync until a user is told to be in a state."""
    async with asyncio.timeout(10):
        while True:
            content = _told(await phone.get(timeout_ms=2_000, **query)).get(of.user_id)
            if content is not None and content["presence"] == state:
                return content


async def test_who_syncs_is_online_for_those_who_share_a_room(
    romeo: Phone, juliet: Phone, nurse: Phone
) -> None:
    await _stage(romeo, juliet)
    await nurse.create_room()
    await nurse.get()
    await juliet.get()
    await romeo.get()
    content = await _hears(juliet, romeo, "online")
    assert content["currently_active"] is True
    assert 0 <= content["last_active_ago"] < 10_000
    assert romeo.user_id not in _told(await nurse.get())
    assert romeo.user_id not in _told(await nurse.fresh())
    assert _told(await juliet.fresh())[romeo.user_id]["presence"] == "online"


async def test_a_status_reaches_a_waiting_poll_and_a_socket(romeo: Phone, juliet: Phone) -> None:
    await _stage(romeo, juliet)
    await romeo.get()
    await _hears(juliet, romeo, "online")
    poll = asyncio.create_task(_hears(juliet, romeo, "unavailable"))
    await _put(romeo, "unavailable", status_msg="at Friar Laurence's")
    assert (await poll)["status_msg"] == "at Friar Laurence's"
    async with streaming(juliet) as socket:
        await _put(romeo, "online", status_msg="back")
        async with asyncio.timeout(10):
            while True:
                content = _told(await socket.sync()).get(romeo.user_id, {})
                if content.get("status_msg") == "back":
                    break
        assert content["presence"] == "online"


async def test_a_socket_makes_its_user_online(romeo: Phone, juliet: Phone) -> None:
    await _stage(romeo, juliet)
    await juliet.get()
    async with streaming(romeo):
        await _hears(juliet, romeo, "online")


async def test_set_presence_of_a_sync(romeo: Phone, juliet: Phone) -> None:
    await _stage(romeo, juliet)
    await juliet.get()
    await romeo.get(set_presence="offline")
    assert (await _get(juliet, romeo))["presence"] == "offline"
    await romeo.get(set_presence="unavailable")
    await _hears(juliet, romeo, "unavailable")
    await romeo.get(set_presence="online")
    await _hears(juliet, romeo, "online")
    with pytest.raises(MatrixRefusal) as refusal:
        await romeo.get(set_presence="asleep")
    assert refusal.value.status == 400


async def test_who_is_gone_is_offline(
    romeo: Phone, juliet: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    from homeserver.application.presence import board

    monkeypatch.setattr(board, "LINGER_SECONDS", 0.2)
    monkeypatch.setattr(board, "SWEEP_SECONDS", 0.1)
    assert person.LINGER_SECONDS > 1
    await _stage(romeo, juliet)
    await romeo.get()
    await _hears(juliet, romeo, "offline")


async def _is_here(phone: Phone, whom: Phone) -> bool:
    found = await _get(phone, whom)
    return (found["presence"], found.get("status_msg")) == ("online", "here")


async def test_presence_may_be_asked_for(romeo: Phone, juliet: Phone, nurse: Phone) -> None:
    await _stage(romeo, juliet)
    await _put(romeo, "online", status_msg="here")
    async with asyncio.timeout(10):
        while not all([await _is_here(juliet, romeo) for _ in range(4)]):  # on each worker
            await asyncio.sleep(0.02)
    found = await _get(juliet, romeo)
    assert found["last_active_ago"] < 10_000
    assert (await _get(juliet, juliet))["presence"] == "offline"
    with pytest.raises(MatrixRefusal) as refusal:
        await _get(nurse, romeo)
    assert (refusal.value.status, refusal.value.errcode) == (403, "M_FORBIDDEN")
    with pytest.raises(MatrixRefusal) as refusal:
        await nurse.call("GET", "/presence/@nobody:firn.test/status")
    assert refusal.value.status == 403


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({}, "M_MISSING_PARAM"),
        ({"presence": "asleep"}, "M_INVALID_PARAM"),
        ({"presence": 5}, "M_BAD_JSON"),
        ({"presence": "online", "status_msg": 5}, "M_BAD_JSON"),
        ({"presence": "online", "status_msg": "x" * 513}, "M_INVALID_PARAM"),
    ],
)
async def test_a_bad_status_is_refused(romeo: Phone, body: dict[str, Any], errcode: str) -> None:
    with pytest.raises(MatrixRefusal) as refusal:
        await romeo.call("PUT", f"/presence/{quote(romeo.user_id)}/status", body)
    assert (refusal.value.status, refusal.value.errcode) == (400, errcode)


async def test_nobody_sets_another_s_presence(romeo: Phone, juliet: Phone) -> None:
    path = f"/presence/{quote(romeo.user_id)}/status"
    with pytest.raises(MatrixRefusal) as refusal:
        await juliet.call("PUT", path, {"presence": "online"})
    assert refusal.value.status == 403


async def test_I8_who_is_put_out_hears_no_more_and_who_joins_hears_at_once(
    romeo: Phone, juliet: Phone, nurse: Phone
) -> None:
    room = await _stage(romeo, juliet)
    await romeo.get()
    await nurse.get()
    await _hears(juliet, romeo, "online")
    await nurse.do("join", room)
    assert _told(await nurse.get())[romeo.user_id]["presence"] == "online"
    await _hears(juliet, nurse, "online")
    await romeo.do("kick", room, juliet)
    await juliet.get()
    await _put(romeo, "unavailable", status_msg="not for her")
    await _hears(nurse, romeo, "unavailable")
    assert _told(await juliet.get()) == {}
    assert romeo.user_id not in _told(await juliet.fresh())


async def test_filters_and_ignored_users(romeo: Phone, juliet: Phone, nurse: Phone) -> None:
    room = await _stage(romeo, juliet)
    await nurse.do("join", room)
    for phone in (romeo, nurse):
        await phone.get()
    await _hears(juliet, romeo, "online")
    await _hears_all(juliet, romeo, nurse)
    assert _told(await juliet.fresh({"presence": {"not_types": ["m.presence"]}})) == {}
    assert _told(await juliet.fresh({"presence": {"types": []}})) == {}
    found = _told(await juliet.fresh({"presence": {"senders": [nurse.user_id]}}))
    assert set(found) == {nurse.user_id}
    assert len(_told(await juliet.fresh({"presence": {"limit": 1}}))) == 1
    await juliet.keep("m.ignored_user_list", {"ignored_users": {romeo.user_id: {}}})
    assert romeo.user_id not in _told(await juliet.fresh())


async def _hears_all(phone: Phone, *others: Phone) -> None:
    async with asyncio.timeout(10):
        while not {other.user_id for other in others} <= set(_told(await phone.fresh())):
            await asyncio.sleep(0.02)


async def test_one_s_own_presence_comes_with_others_and_wakes_nobody(
    romeo: Phone, juliet: Phone
) -> None:
    await _stage(romeo, juliet)
    await juliet.get()
    for state in ("unavailable", "online"):
        await _put(juliet, state)
        await asyncio.sleep(0.3)
        assert "presence" not in await juliet.get()
    await romeo.get()
    await _hears(juliet, romeo, "online")
    assert set(_told(await juliet.fresh())) == {romeo.user_id, juliet.user_id}


async def test_what_was_told_is_not_told_again(romeo: Phone, juliet: Phone) -> None:
    """On one worker: elsewhere what happened in the last ten seconds may be told once more."""
    await _stage(romeo, juliet)
    if hasattr(juliet, "town"):
        juliet.town = None
    await romeo.get()
    await _hears(juliet, romeo, "online")
    await asyncio.sleep(0.3)
    await juliet.get()
    for _ in range(3):
        assert "presence" not in await juliet.get()


async def test_it_can_be_switched_off_at_any_time(
    town: SyncTown | ClusterTown, romeo: Phone, juliet: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _stage(romeo, juliet)
    await romeo.get()
    await _hears(juliet, romeo, "online")
    off = load(None, {"FIRN__SERVER_NAME": "firn.test", "FIRN__PRESENCE__ENABLED": "false"})
    for worker in getattr(town, "workers", [town]):
        live = worker.core.settings
        assert isinstance(live, LiveSettings)
        monkeypatch.setattr(live, "_current", off.settings)
    await _put(romeo, "unavailable")
    assert "presence" not in await juliet.get()
    assert "presence" not in await juliet.fresh()
    with pytest.raises(MatrixRefusal) as refusal:
        await _get(juliet, romeo)
    assert refusal.value.status == 404
