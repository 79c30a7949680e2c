"""Logging in and out, tokens and what ends them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from homeserver.bootstrap.delivery import start_delivery
from homeserver.infrastructure.crypto.argon2 import Argon2Passwords
from homeserver.infrastructure.sql.devices import SqlDeviceStore
from homeserver.infrastructure.sql.tables import metadata
from tests.integration.accounts.conftest import (
    DUMMY,
    GUESSES,
    PASSWORD,
    login_body,
    start_town,
    stop_town,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.ports.device_store import Device
    from tests.integration.accounts.conftest import Town


async def test_the_flows_of_login(town: Town) -> None:
    assert await town.ok("GET", "/login") == {"flows": [{"type": "m.login.password"}]}
    assert await town.ok("GET", "/_matrix/client/r0/login")


@pytest.mark.parametrize(
    "who",
    [
        {"identifier": {"type": "m.id.user", "user": "alice"}},
        {"identifier": {"type": "m.id.user", "user": "@alice:firn.test"}},
        {"user": "alice"},
        {"user": "@alice:firn.test"},
    ],
)
async def test_both_ways_to_name_a_user(town: Town, who: dict[str, Any]) -> None:
    await town.register("alice")
    body = {"type": "m.login.password", "password": PASSWORD, **who}
    answer = await town.ok("POST", "/login", body)
    assert answer["user_id"] == "@alice:firn.test"
    assert (await town.whoami(answer["access_token"])).json["device_id"] == answer["device_id"]


async def test_wrong_names_and_passwords_look_alike(town: Town) -> None:
    await town.register("alice")
    wrong = await town.log_in("alice", "wrong horse")
    nobody = await town.log_in("nobody")
    foreign = await town.log_in("@alice:elsewhere.test")
    assert wrong.error == nobody.error == foreign.error == (403, "M_FORBIDDEN")
    assert wrong.json == nobody.json == foreign.json


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, (400, "M_MISSING_PARAM")),
        ({"type": "m.login.magic"}, (400, "M_UNKNOWN")),
        ({"type": "m.login.password", "user": "alice"}, (400, "M_MISSING_PARAM")),
        ({"type": "m.login.password", "password": "x"}, (400, "M_MISSING_PARAM")),
        (login_body("alice", password=7), (400, "M_BAD_JSON")),  # type: ignore[arg-type]
        (login_body("alice", "x" * 600), (400, "M_INVALID_PARAM")),
        (login_body("alice", device_id="a\nb"), (400, "M_INVALID_PARAM")),
        (login_body("alice", device_id=["x"]), (400, "M_BAD_JSON")),
        ({"type": "m.login.password", "identifier": "alice"}, (400, "M_BAD_JSON")),
        (
            {"type": "m.login.password", "identifier": {"type": "m.id.thirdparty"}},
            (403, "M_FORBIDDEN"),
        ),
    ],
)
async def test_bodies_of_login_that_are_wrong(
    town: Town, body: dict[str, Any], error: tuple[int, str]
) -> None:
    assert (await town.ask("POST", "/login", body)).error == error


async def test_a_device_id_is_reused_and_the_earlier_token_ends(town: Town) -> None:
    first = await town.register("alice", device_id="PHONE", initial_device_display_name="Mine")
    again = (await town.log_in("alice", device_id="PHONE", initial_device_display_name="No")).json
    assert again["device_id"] == "PHONE"
    assert (await town.whoami(first["access_token"])).error == (401, "M_UNKNOWN_TOKEN")
    devices = (await town.ok("GET", "/devices", token=again["access_token"]))["devices"]
    assert [d["display_name"] for d in devices] == ["Mine"]


async def test_parallel_logins_on_one_device_leave_one_device_and_one_session(town: Town) -> None:
    await town.register("alice", inhibit_login=True)
    answers = await asyncio.gather(*[town.log_in("alice", device_id="NEW") for _ in range(6)])
    assert {a.status for a in answers} == {200}
    good = [await town.whoami(a.json["access_token"]) for a in answers]
    assert sorted(g.status for g in good) == [200] + [401] * 5
    assert len(await town.store.dump("device")) == 1


async def test_logging_out_ends_the_token_and_removes_the_device(town: Town) -> None:
    phone = await town.register("alice")
    desk = (await town.log_in("alice")).json
    await town.ok("POST", "/logout", {}, phone["access_token"])
    assert (await town.whoami(phone["access_token"])).error == (401, "M_UNKNOWN_TOKEN")
    devices = await town.ok("GET", "/devices", token=desk["access_token"])
    assert [d["device_id"] for d in devices["devices"]] == [desk["device_id"]]
    again = await town.ask("POST", "/logout", {}, phone["access_token"])
    assert again.error == (401, "M_UNKNOWN_TOKEN")


async def test_logging_out_everywhere(town: Town) -> None:
    tokens = [(await town.register("alice"))["access_token"]]
    tokens += [(await town.log_in("alice")).json["access_token"] for _ in range(2)]
    other = await town.register("bob")
    await town.ok("POST", "/logout/all", None, tokens[1])
    assert {(await town.whoami(t)).status for t in tokens} == {401}
    assert (await town.whoami(other["access_token"])).status == 200
    assert len(await town.store.dump("access_token")) == 1


async def test_D4_a_locked_account_may_only_log_out(town: Town) -> None:
    session = await town.register("alice")
    token = session["access_token"]
    assert (await town.whoami(token)).status == 200
    await town.lock("@alice:firn.test", locked=True)
    refused = await town.whoami(token)
    assert refused.error == (401, "M_USER_LOCKED")
    assert refused.json["soft_logout"] is True
    assert (await town.log_in("alice")).error == (401, "M_USER_LOCKED")
    await town.lock("@alice:firn.test", locked=False)
    assert (await town.whoami(token)).status == 200
    await town.lock("@alice:firn.test", locked=True)
    await town.ok("POST", "/logout", {}, token)
    assert (await town.whoami(token)).error == (401, "M_UNKNOWN_TOKEN")


async def test_D4_a_deactivated_account_cannot_log_in(town: Town) -> None:
    session = await town.register("alice")
    await town.ok(
        "PUT",
        "/profile/@alice:firn.test/displayname",
        {"displayname": "A"},
        session["access_token"],
    )
    gone = await town.by_password("POST", "/account/deactivate", {}, session["access_token"])
    assert gone.json == {"id_server_unbind_result": "success"}
    assert (await town.whoami(session["access_token"])).error == (401, "M_UNKNOWN_TOKEN")
    assert (await town.log_in("alice")).error == (403, "M_USER_DEACTIVATED")
    taken = await town.ask("POST", "/register", {"username": "alice", "auth": DUMMY})
    assert taken.error == (400, "M_USER_IN_USE")
    assert await town.ok("GET", "/profile/@alice:firn.test") == {}
    [account] = await town.store.dump("account")
    assert account[1] is None


async def test_D4_too_many_wrong_passwords(town: Town) -> None:
    await town.register("alice")
    await town.register("bob")
    answers = [await town.log_in("alice", f"wrong {i}") for i in range(100)]
    assert [a.status for a in answers] == [403] * GUESSES + [429] * (100 - GUESSES)
    assert answers[-1].error == (429, "M_LIMIT_EXCEEDED")
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert (await town.log_in("alice")).status == 429, "or guessing would go on"
    assert (await town.log_in("bob")).status == 200
    town.store.clock.advance(60)
    assert (await town.log_in("alice")).status == 200


async def test_right_passwords_are_not_counted(town: Town) -> None:
    await town.register("alice")
    answers = [await town.log_in("alice") for _ in range(3 * GUESSES)]
    assert {a.status for a in answers} == {200}


async def refreshed(town: Town, token: str) -> dict[str, Any]:
    return await town.ok("POST", "/refresh", {"refresh_token": token})


async def test_D5_a_refresh_may_be_repeated_until_its_answer_is_used(town: Town) -> None:
    first = await town.register("alice", refresh_token=True)
    lost = await refreshed(town, first["refresh_token"])
    assert (await town.whoami(first["access_token"])).status == 200
    second = await refreshed(town, first["refresh_token"])
    assert second["access_token"] != lost["access_token"]
    assert (await town.whoami(second["access_token"])).status == 200
    old = await town.whoami(first["access_token"])
    assert old.error == (401, "M_UNKNOWN_TOKEN")
    assert old.json["soft_logout"] is True
    assert (await town.whoami(lost["access_token"])).status == 401
    assert (await town.whoami(second["access_token"])).status == 200


async def test_D5_an_old_refresh_token_ends_the_whole_login(town: Town) -> None:
    first = await town.register("alice", refresh_token=True)
    second = await refreshed(town, first["refresh_token"])
    assert (await town.whoami(second["access_token"])).status == 200
    stolen = await town.ask("POST", "/refresh", {"refresh_token": first["refresh_token"]})
    assert stolen.error == (401, "M_UNKNOWN_TOKEN")
    ended = await town.whoami(second["access_token"])
    assert ended.error == (401, "M_UNKNOWN_TOKEN")
    assert ended.json["soft_logout"] is True
    last = await town.ask("POST", "/refresh", {"refresh_token": second["refresh_token"]})
    assert last.error == (401, "M_UNKNOWN_TOKEN")
    back = await town.log_in("alice", device_id=first["device_id"])
    assert (await town.whoami(back.json["access_token"])).status == 200


async def test_D5_parallel_refreshes_of_one_token_give_pairs_of_which_one_wins(town: Town) -> None:
    first = await town.register("alice", refresh_token=True)
    pairs = await asyncio.gather(*[refreshed(town, first["refresh_token"]) for _ in range(4)])
    assert (await town.whoami(pairs[2]["access_token"])).status == 200
    assert [(await town.whoami(p["access_token"])).status for p in pairs] == [401, 401, 200, 401]


async def test_access_tokens_that_can_be_refreshed_expire(town: Town) -> None:
    session = await town.register("alice", refresh_token=True)
    assert (await town.whoami(session["access_token"])).status == 200
    town.store.clock.advance(3601)
    late = await town.whoami(session["access_token"])
    assert late.error == (401, "M_UNKNOWN_TOKEN")
    assert late.json["soft_logout"] is True
    fresh = await refreshed(town, session["refresh_token"])
    assert (await town.whoami(fresh["access_token"])).status == 200


async def test_unknown_tokens(town: Town) -> None:
    assert (await town.ask("GET", "/account/whoami")).error == (401, "M_MISSING_TOKEN")
    unknown = await town.whoami("firn_nothing")
    assert unknown.error == (401, "M_UNKNOWN_TOKEN")
    assert "soft_logout" not in unknown.json
    refresh = await town.ask("POST", "/refresh", {"refresh_token": "firnr_nothing"})
    assert refresh.error == (401, "M_UNKNOWN_TOKEN")
    assert (await town.ask("POST", "/refresh", {})).error == (400, "M_MISSING_PARAM")


async def test_I13_no_token_or_password_lies_in_the_store_in_clear(town: Town) -> None:
    ticket = await town.first_user_token()
    session = await town.register("alice", refresh_token=True)
    pair = await refreshed(town, session["refresh_token"])
    secrets = [PASSWORD, ticket or ""]
    secrets += [s[k] for s in (session, pair) for k in ("access_token", "refresh_token")]
    stored = b""
    for table in metadata.tables:
        for row in await town.store.dump(table):
            stored += b" ".join(v if isinstance(v, bytes) else str(v).encode() for v in row)
    assert b"argon2id" in stored
    assert [secret for secret in secrets if secret.encode() in stored] == []


async def test_F1_sessions_survive_a_restart_and_hold_on_every_worker(town: Town) -> None:
    session = await town.register("alice")
    other = await start_town(town.store, "other")
    try:
        assert (await other.whoami(session["access_token"])).status == 200
        login = (await other.log_in("alice")).json
        assert (await town.whoami(login["access_token"])).status == 200
        taken = await other.ask("POST", "/register", {"username": "alice", "auth": DUMMY})
        assert taken.error == (400, "M_USER_IN_USE")
        # what the other worker ends is noticed once the log's tail tells of it
        await other.ok("POST", "/logout", {}, session["access_token"])
        who = await other.accounts.authenticator.authenticate(login["access_token"])
        town.accounts.authenticator.invalidate_user(who.user_nid)
        assert (await town.whoami(session["access_token"])).status == 401
        assert (await town.whoami(login["access_token"])).status == 200
    finally:
        await stop_town(other)


@pytest.mark.parametrize(
    ("how", "refusal"),
    [
        ("password", (403, "M_FORBIDDEN")),
        ("deactivate", (403, "M_USER_DEACTIVATED")),
        ("lock", (401, "M_USER_LOCKED")),
    ],
)
async def test_D4_an_account_that_changes_while_its_password_is_checked(
    town: Town, monkeypatch: pytest.MonkeyPatch, how: str, refusal: tuple[int, str]
) -> None:
    """Nobody comes in by what was a password a moment ago."""
    alice = await town.register("alice")
    checked, go, verify = asyncio.Event(), asyncio.Event(), Argon2Passwords.verify

    async def slow(self: Argon2Passwords, stored: str | None, password: str) -> bool:
        found = await verify(self, stored, password)
        if not checked.is_set():
            checked.set()
            await go.wait()
        return found

    monkeypatch.setattr(Argon2Passwords, "verify", slow)
    login = asyncio.create_task(town.log_in("alice"))
    await checked.wait()
    token = alice["access_token"]
    if how == "lock":
        await town.lock(alice["user_id"], locked=True)
    else:
        body = {"new_password": "another horse"} if how == "password" else {}
        changed = await town.by_password("POST", f"/account/{how}", body, token)
        assert changed.status == 200
    go.set()
    assert (await login).error == refusal


@pytest.mark.parametrize("how", ["logout/all", "account/password"])
async def test_sessions_that_begin_while_all_are_ended_end_too(
    town: Town, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    alice = await town.register("alice")
    token, late = alice["access_token"], ""
    list_of = SqlDeviceStore.list_of

    async def late_login(self: SqlDeviceStore, user_nid: int) -> Sequence[Device]:
        nonlocal late
        found = await list_of(self, user_nid)
        late = (await town.log_in("alice")).json["access_token"]
        assert (await town.whoami(late)).status == 200
        return found

    monkeypatch.setattr(SqlDeviceStore, "list_of", late_login)
    if how == "logout/all":
        assert (await town.ask("POST", "/logout/all", {}, token)).status == 200
    else:
        body = {"new_password": "another horse"}
        assert (await town.by_password("POST", f"/{how}", body, token)).status == 200
        assert (await town.whoami(token)).status == 200
    assert (await town.whoami(late)).status == 401


async def test_a_worker_forgets_what_ended_elsewhere_and_trusts_it_for_a_moment(
    town: Town,
) -> None:
    if town.store.kind == "sqlite":
        assert town.core.tail is None  # one process: nothing to follow
        return
    other = await start_town(town.store, "other", await town.store.another())
    delivery = await start_delivery(other.core)
    session = await town.register("alice")
    token = session["access_token"]
    assert (await other.whoami(token)).status == 200
    await town.ok("POST", "/logout", {}, token)
    async with asyncio.timeout(1.0):
        while (await other.whoami(token)).status == 200:
            await asyncio.sleep(0.02)
    await delivery.stop()
    await stop_town(other)
