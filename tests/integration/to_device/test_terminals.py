"""`POST …/terminals/send`: a platform reaches chosen terminals of a user."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.integration.to_device.test_inbox import another
from tests.support.client import MatrixRefusal
from tests.support.messages import KIND, command, numbers

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown


@pytest_asyncio.fixture
async def platform(town: SyncTown) -> Phone:
    """An administrator."""
    phone = await town.phone("platform")
    town.known[phone.token] = replace(town.known[phone.token], is_admin=True)
    return phone


@pytest_asyncio.fixture
async def tablet(town: SyncTown, juliet: Phone) -> Phone:
    """Another device of hers."""
    return await another(town, juliet)


async def test_each_terminal_is_online_or_stored_for(
    platform: Phone, juliet: Phone, tablet: Phone
) -> None:
    await tablet.get()
    answer = await command(platform, juliet.user_id)
    assert answer == {"devices": {juliet.device_id: "stored", tablet.device_id: "online"}}
    for device in (juliet, tablet):
        assert (await device.get())["to_device"]["events"] == [
            {"type": KIND, "sender": platform.user_id, "content": {"n": 1}}
        ]


async def test_chosen_terminals_and_no_others_get_it(
    platform: Phone, juliet: Phone, tablet: Phone
) -> None:
    answer = await command(platform, juliet.user_id, devices=[tablet.device_id, "LOST"])
    assert answer == {"devices": {tablet.device_id: "stored", "LOST": "unknown"}}
    assert numbers(await tablet.get()) == [1]
    assert numbers(await juliet.get()) == []


async def test_online_is_who_syncs_now(platform: Phone, juliet: Phone, tablet: Phone) -> None:
    assert await command(platform, juliet.user_id, devices="online") == {"devices": {}}
    await tablet.get()
    answer = await command(platform, juliet.user_id, devices="online", txn_id="t2")
    assert answer == {"devices": {tablet.device_id: "online"}}
    assert numbers(await juliet.get()) == []
    assert numbers(await tablet.get()) == [1]


async def test_a_repeated_transaction_is_answered_as_the_first_time(
    platform: Phone, juliet: Phone, tablet: Phone
) -> None:
    first = await command(platform, juliet.user_id)
    await tablet.get()
    assert await command(platform, juliet.user_id) == first
    assert numbers(await juliet.get()) == [1]
    await command(platform, juliet.user_id, txn_id="t2")
    assert numbers(await juliet.get()) == [1]


async def test_others_may_not(romeo: Phone, juliet: Phone) -> None:
    for user_id in (juliet.user_id, romeo.user_id, "@nobody:firn.test"):
        with pytest.raises(MatrixRefusal) as refusal:
            await command(romeo, user_id)
        assert (refusal.value.status, refusal.value.errcode) == (403, "M_FORBIDDEN")
    assert numbers(await juliet.get()) == []


@pytest.mark.parametrize("user_id", ["@nobody:firn.test", "@juliet:elsewhere.example", "juliet"])
async def test_who_is_no_user_here_is_not_found(platform: Phone, user_id: str) -> None:
    with pytest.raises(MatrixRefusal) as refusal:
        await command(platform, user_id)
    assert (refusal.value.status, refusal.value.errcode) == (404, "M_NOT_FOUND")


@pytest.mark.parametrize(
    ("wrong", "errcode"),
    [
        ({"type": None}, "M_MISSING_PARAM"),
        ({"type": 5}, "M_BAD_JSON"),
        ({"type": ""}, "M_INVALID_PARAM"),
        ({"type": "x" * 256}, "M_INVALID_PARAM"),
        ({"content": None}, "M_MISSING_PARAM"),
        ({"content": []}, "M_BAD_JSON"),
        ({"content": {"n": 0.5}}, "M_BAD_JSON"),
        ({"content": {"text": "x" * 65_600}}, "M_TOO_LARGE"),
        ({"txn_id": None}, "M_MISSING_PARAM"),
        ({"txn_id": "x" * 256}, "M_INVALID_PARAM"),
        ({"devices": None}, "M_MISSING_PARAM"),
        ({"devices": "all"}, "M_BAD_JSON"),
        ({"devices": [1]}, "M_BAD_JSON"),
        ({"devices": {}}, "M_BAD_JSON"),
    ],
)
async def test_A3_a_bad_request_is_refused(
    platform: Phone, juliet: Phone, wrong: dict[str, Any], errcode: str
) -> None:
    with pytest.raises(MatrixRefusal) as refusal:
        await command(platform, juliet.user_id, **wrong)
    assert refusal.value.errcode == errcode
    assert numbers(await juliet.get()) == []
