"""Making accounts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from homeserver.config.settings import Registration
from tests.integration.accounts.conftest import DUMMY, PASSWORD

if TYPE_CHECKING:
    from tests.integration.accounts.conftest import Town
    from tests.support.wire import Answer

VALIDITY = "/_matrix/client/v1/register/m.login.registration_token/validity"


def with_token(token: str, session: str | None = None) -> dict[str, Any]:
    auth = {"type": "m.login.registration_token", "token": token}
    return auth if session is None else {**auth, "session": session}


async def register(town: Town, name: str, auth: Any = None, **more: Any) -> Answer:
    body = {"username": name, "password": PASSWORD, **more}
    return await town.ask("POST", "/register", body if auth is None else {**body, "auth": auth})


async def test_one_call_with_the_dummy_stage_makes_account_and_session(town: Town) -> None:
    answer = await town.register("alice", device_id="PHONE", initial_device_display_name="Phone")
    assert answer["user_id"] == "@alice:firn.test"
    assert answer["device_id"] == "PHONE"
    assert "refresh_token" not in answer
    assert "expires_in_ms" not in answer
    whoami = await town.whoami(answer["access_token"])
    assert whoami.json == {
        "user_id": "@alice:firn.test",
        "device_id": "PHONE",
        "is_guest": False,
    }
    devices = await town.ok("GET", "/devices", token=answer["access_token"])
    [device] = devices["devices"]
    assert device["display_name"] == "Phone"
    assert device["last_seen_ip"] == "127.0.0.1"


async def test_without_auth_the_flows_are_told_and_the_session_leads_on(town: Town) -> None:
    asked = await town.ask("POST", "/register", {})
    assert asked.status == 401
    assert asked.json["flows"] == [{"stages": ["m.login.dummy"]}]
    assert "errcode" not in asked.json
    done = await register(town, "alice", {**DUMMY, "session": asked.json["session"]})
    assert done.status == 200


async def test_a_session_ends_with_the_call_that_it_let_through(town: Town) -> None:
    asked = await town.ask("POST", "/register", {})
    auth = {**DUMMY, "session": asked.json["session"]}
    assert (await register(town, "alice", auth)).status == 200
    again = await register(town, "bob", auth)
    assert again.error == (401, "M_FORBIDDEN")
    assert again.json["session"] != auth["session"]


async def test_sessions_expire(town: Town) -> None:
    asked = await town.ask("POST", "/register", {})
    town.store.clock.advance(3601)
    late = await register(town, "alice", {**DUMMY, "session": asked.json["session"]})
    assert late.status == 401


async def test_inhibited_login_gives_no_session(town: Town) -> None:
    answer = await town.register("alice", inhibit_login=True)
    assert answer == {"user_id": "@alice:firn.test", "home_server": "firn.test"}
    assert await town.store.dump("device") == []
    assert (await town.log_in("alice")).status == 200


async def test_a_name_is_found_where_none_is_given(town: Town) -> None:
    answer = await town.ok("POST", "/register", {"password": PASSWORD, "auth": DUMMY})
    assert (await town.whoami(answer["access_token"])).json["user_id"] == answer["user_id"]


async def test_r0_and_refreshable_sessions(town: Town) -> None:
    body = {"username": "alice", "password": PASSWORD, "auth": DUMMY, "refresh_token": True}
    answer = await town.ok("POST", "/_matrix/client/r0/register", body)
    assert answer["expires_in_ms"] == 3_600_000
    assert answer["refresh_token"]


async def test_D1_of_20_parallel_registrations_of_one_name_one_succeeds(town: Town) -> None:
    answers = await asyncio.gather(*[register(town, "alice", DUMMY) for _ in range(20)])
    winners = [a for a in answers if a.status == 200]
    assert len(winners) == 1
    losers = [a.error for a in answers if a.status != 200]
    assert set(losers) == {(400, "M_USER_IN_USE")}
    assert len(await town.store.dump("account")) == 1
    assert (await town.whoami(winners[0].json["access_token"])).status == 200


@pytest.mark.parametrize(
    "name", ["Alice", "@alice", "a b", "al\0ice", "x" * 256, "x" * 250, "ünal", "a:b", "\ud800"]
)
async def test_D2_names_that_the_grammar_forbids(town: Town, name: str) -> None:
    answer = await register(town, name, DUMMY)
    if name == "\ud800":
        assert answer.error == (400, "M_NOT_JSON")
    else:
        assert answer.error == (400, "M_INVALID_USERNAME")


async def test_the_name_is_checked_before_authentication(town: Town) -> None:
    await town.register("alice")
    assert (await register(town, "alice")).error == (400, "M_USER_IN_USE")
    assert (await register(town, "ALICE")).error == (400, "M_INVALID_USERNAME")


async def test_names_that_are_free_and_not(town: Town) -> None:
    await town.register("alice")
    free = await town.ok("GET", "/register/available?username=bob")
    assert free == {"available": True}
    taken = await town.ask("GET", "/register/available?username=alice")
    assert taken.error == (400, "M_USER_IN_USE")
    wrong = await town.ask("GET", "/register/available?username=B")
    assert wrong.error == (400, "M_INVALID_USERNAME")
    none = await town.ask("GET", "/register/available")
    assert none.error == (400, "M_MISSING_PARAM")


async def test_weak_and_missing_passwords(town: Town) -> None:
    weak = await register(town, "alice", DUMMY, password="short")
    assert weak.error == (400, "M_WEAK_PASSWORD")
    missing = await town.ask("POST", "/register", {"username": "alice", "auth": DUMMY})
    assert missing.error == (400, "M_MISSING_PARAM")
    assert await town.store.dump("account") == []


async def test_guests_and_closed_registration_are_refused(town: Town) -> None:
    guest = await town.ask("POST", "/register?kind=guest", {})
    assert guest.error == (403, "M_FORBIDDEN")
    town.registration = Registration(open=False)
    assert (await register(town, "alice", DUMMY)).error == (403, "M_FORBIDDEN")
    assert (await town.ask("GET", f"{VALIDITY}?token=x")).error == (403, "M_FORBIDDEN")


async def test_a_token_of_the_settings_lets_in(town: Town) -> None:
    town.registration = Registration(open=False, tokens=("sesame",))
    asked = await register(town, "alice", DUMMY)
    assert asked.status == 401
    assert asked.json["flows"] == [{"stages": ["m.login.registration_token"]}]
    wrong = await register(town, "alice", with_token("wrong", asked.json["session"]))
    assert wrong.error == (401, "M_FORBIDDEN")
    right = await register(town, "alice", with_token("sesame", wrong.json["session"]))
    assert right.status == 200
    assert (await town.ok("GET", f"{VALIDITY}?token=sesame")) == {"valid": True}
    assert (await town.ok("GET", f"{VALIDITY}?token=wrong")) == {"valid": False}


async def test_the_first_users_token_makes_one_administrator(town: Town) -> None:
    town.registration = Registration(open=False)
    token = await town.first_user_token()
    assert token is not None
    assert (await town.ok("GET", f"{VALIDITY}?token={token}")) == {"valid": True}
    answers = await asyncio.gather(
        *[register(town, f"admin{i}", with_token(token)) for i in range(5)]
    )
    assert sorted(a.status == 200 for a in answers) == [False] * 4 + [True]
    [winner] = [a.json for a in answers if a.status == 200]
    assert (await town.accounts.authenticator.authenticate(winner["access_token"])).is_admin
    assert (await register(town, "late", with_token(token))).error == (403, "M_FORBIDDEN")
    assert await town.first_user_token() is None


async def test_an_unused_first_users_token_ends_with_the_first_account(town: Town) -> None:
    token = await town.first_user_token()
    assert token is not None
    await town.accounts.add_user("root", PASSWORD, admin=True)
    town.registration = Registration(open=False, tokens=("sesame",))
    refused = await register(town, "mallory", with_token(token))
    assert refused.error == (401, "M_FORBIDDEN")
    assert (await town.log_in("root")).status == 200
