"""D1 to D5: names, sessions and tokens, over the whole server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.support.client import Device, MatrixRefusal

if TYPE_CHECKING:
    from tests.conformance.bad_inputs.conftest import Target

DUMMY = {"type": "m.login.dummy"}
PASSWORD = "correct horse"


async def test_D1_of_20_parallel_registrations_one_wins(target: Target) -> None:
    name = f"wanted-{target.alice.device_id.lower()}"
    body = {"username": name, "password": PASSWORD, "auth": DUMMY}
    answers = await asyncio.gather(
        *(target.ask("POST", "/register", body, token="") for _ in range(20))
    )
    assert sorted(a.status for a in answers) == [200] + [400] * 19
    assert {a.json["errcode"] for a in answers if a.status == 400} == {"M_USER_IN_USE"}


@pytest.mark.parametrize(
    "name", ["Alice", "@alice", "a:b", "a" * 256, "a\0b", "ä", "a b", "a\nb", "a/../b#"]
)
async def test_D2_names_that_no_user_may_have(target: Target, name: str) -> None:
    body = {"username": name, "password": PASSWORD, "auth": DUMMY}
    answer = await target.ask("POST", "/register", body, token="")
    assert answer.error == (400, "M_INVALID_USERNAME")


async def test_D3_a_session_is_good_for_its_call_alone(target: Target) -> None:
    alice = target.alice
    asked = await target.ask("POST", "/account/password", {"new_password": "another horse"})
    assert asked.status == 401
    who = {"type": "m.id.user", "user": alice.user_id}
    auth = {
        "type": "m.login.password",
        "identifier": who,
        "password": PASSWORD,
        "session": asked.json["session"],
    }
    for method, path, body in (
        ("POST", "/account/deactivate", {}),
        ("DELETE", f"/devices/{alice.device_id}", {}),
        ("POST", "/account/password", {"new_password": "a third horse"}),
        ("POST", "/account/password", {"new_password": "another horse", "logout_devices": False}),
    ):
        answer = await target.ask(method, path, {**body, "auth": auth})
        assert answer.status in (401, 403), path
    skipped = {"new_password": "another horse", "auth": {**DUMMY, "session": auth["session"]}}
    assert (await target.ask("POST", "/account/password", skipped)).status in (401, 403)
    assert (await target.ask("GET", "/account/whoami")).status == 200
    async with Device(target.firn.base) as again:
        await again.login(alice.user_id)


async def test_D4_the_deactivated_stay_out(target: Target) -> None:
    alice = target.alice
    asked = await target.ask("POST", "/account/deactivate", {})
    who = {"type": "m.id.user", "user": alice.user_id}
    auth = {
        "type": "m.login.password",
        "identifier": who,
        "password": PASSWORD,
        "session": asked.json["session"],
    }
    assert (await target.ask("POST", "/account/deactivate", {"auth": auth})).status == 200
    assert (await target.ask("GET", "/sync")).error == (401, "M_UNKNOWN_TOKEN")
    async with Device(target.firn.base) as again:
        with pytest.raises(MatrixRefusal) as refused:
            await again.login(alice.user_id)
    assert refused.value.status == 403


async def test_D5_a_refresh_token_until_and_after_its_successor_is_used(target: Target) -> None:
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": target.alice.user_id},
        "password": PASSWORD,
        "refresh_token": True,
    }
    login = (await target.ask("POST", "/login", body, token="")).json
    old = {"refresh_token": login["refresh_token"]}
    lost = await target.ask("POST", "/refresh", old, token="")
    again = await target.ask("POST", "/refresh", old, token="")
    assert lost.status == again.status == 200
    token = again.json["access_token"]
    assert (await target.ask("GET", "/account/whoami", token=token)).status == 200
    assert (await target.ask("POST", "/refresh", old, token="")).error == (401, "M_UNKNOWN_TOKEN")
    assert (await target.ask("GET", "/account/whoami", token=token)).status == 401
    assert (await target.ask("GET", "/account/whoami")).status == 200
