"""Devices, passwords, user-interactive authentication, profiles."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from homeserver.application.rooms.leave_room import LeaveRoom
from homeserver.domain.shared.errors import UnavailableError
from tests.integration.accounts.conftest import PASSWORD

if TYPE_CHECKING:
    from tests.integration.accounts.conftest import Town

ALICE = "/profile/@alice:firn.test"


def by_password(session: str, **more: Any) -> dict[str, Any]:
    return {"type": "m.login.password", "password": PASSWORD, "session": session, **more}


async def test_devices_are_listed_looked_at_and_named(town: Town) -> None:
    token = (await town.register("alice", device_id="A"))["access_token"]
    await town.log_in("alice", device_id="B")
    await town.ok("PUT", "/devices/B", {"display_name": "Böötle"}, token)
    await town.ok("PUT", "/devices/B", {}, token)
    found = await town.ok("GET", "/devices/B", token=token)
    assert (found["device_id"], found["display_name"]) == ("B", "Böötle")
    listed = (await town.ok("GET", "/devices", token=token))["devices"]
    assert [d["device_id"] for d in listed] == ["A", "B"]
    assert (await town.ask("GET", "/devices/C", token=token)).error == (404, "M_NOT_FOUND")
    assert (await town.ask("PUT", "/devices/C", {}, token)).error == (404, "M_NOT_FOUND")
    long = await town.ask("PUT", "/devices/B", {"display_name": "x" * 300}, token)
    assert long.error == (400, "M_INVALID_PARAM")


async def test_nobody_sees_or_touches_another_users_devices(town: Town) -> None:
    await town.register("alice", device_id="A")
    token = (await town.register("bob", device_id="B"))["access_token"]
    assert (await town.ask("GET", "/devices/A", token=token)).status == 404
    assert (await town.ask("PUT", "/devices/A", {"display_name": "x"}, token)).status == 404
    done = await town.by_password("DELETE", "/devices/A", {}, token)
    assert done.status == 200
    assert len(await town.store.dump("device")) == 2


async def test_deleting_a_device_asks_for_the_password_and_ends_its_session(town: Town) -> None:
    token = (await town.register("alice"))["access_token"]
    lost = (await town.log_in("alice", device_id="LOST")).json["access_token"]
    assert (await town.whoami(lost)).status == 200
    asked = await town.ask("DELETE", "/devices/LOST", token=token)
    assert asked.status == 401
    assert asked.json["flows"] == [{"stages": ["m.login.password"]}]
    wrong = by_password(asked.json["session"], password="wrong horse", user="alice")
    refused = await town.ask("DELETE", "/devices/LOST", {"auth": wrong}, token)
    assert refused.error == (401, "M_FORBIDDEN")
    assert (await town.whoami(lost)).status == 200
    right = by_password(asked.json["session"], user="alice")
    done = await town.ask("DELETE", "/devices/LOST", {"auth": right}, token)
    assert done.json == {}
    assert (await town.whoami(lost)).error == (401, "M_UNKNOWN_TOKEN")


async def test_deleting_several_devices_at_once(town: Town) -> None:
    token = (await town.register("alice", device_id="A"))["access_token"]
    for name in ("B", "C", "D"):
        await town.log_in("alice", device_id=name)
    body = {"devices": ["B", "D", "UNKNOWN"]}
    assert (await town.by_password("POST", "/delete_devices", body, token)).status == 200
    left = (await town.ok("GET", "/devices", token=token))["devices"]
    assert [d["device_id"] for d in left] == ["A", "C"]
    assert (await town.ask("POST", "/delete_devices", {}, token)).error == (400, "M_MISSING_PARAM")
    wrong = await town.ask("POST", "/delete_devices", {"devices": [7]}, token)
    assert wrong.error == (400, "M_BAD_JSON")


async def test_D3_a_session_of_another_endpoint_body_or_user(town: Town) -> None:
    alice = (await town.register("alice", device_id="A"))["access_token"]
    bob = (await town.register("bob", device_id="X"))["access_token"]
    await town.log_in("alice", device_id="B")
    asked = await town.ask("DELETE", "/devices/B", {}, alice)
    auth = by_password(asked.json["session"], user="alice")
    elsewhere = await town.ask("POST", "/account/deactivate", {"auth": auth}, alice)
    assert elsewhere.error == (403, "M_FORBIDDEN")
    other_device = await town.ask("DELETE", "/devices/A", {"auth": auth}, alice)
    assert other_device.error == (403, "M_FORBIDDEN")
    stolen = await town.ask("DELETE", "/devices/B", {"auth": auth}, bob)
    assert stolen.error == (403, "M_FORBIDDEN")
    changed = await town.ask("DELETE", "/devices/B", {"auth": auth, "more": 1}, alice)
    assert changed.error == (403, "M_FORBIDDEN")
    assert len(await town.store.dump("device")) == 3
    assert (await town.ask("DELETE", "/devices/B", {"auth": auth}, alice)).status == 200


async def test_D3_a_stage_that_is_skipped_or_of_another_flow(town: Town) -> None:
    token = (await town.register("alice", device_id="A"))["access_token"]
    session = (await town.ask("DELETE", "/devices/A", {}, token)).json["session"]
    for auth in (
        {"session": session},
        {"type": "m.login.dummy"},
        {"type": "m.login.dummy", "session": session},
        {"type": "m.login.registration_token", "session": session},
        {"type": "m.login.password", "session": session},
        by_password("unknown"),
        by_password(session, user="bob"),
        by_password(session, identifier={"type": "m.id.user", "user": "@alice:elsewhere"}),
    ):
        answer = await town.ask("DELETE", "/devices/A", {"auth": auth}, token)
        assert answer.status == 401, auth
    assert (await town.ask("DELETE", "/devices/A", {"auth": "x"}, token)).status == 400
    assert (await town.whoami(token)).status == 200


@pytest.mark.parametrize("logout", [True, False])
async def test_a_new_password(town: Town, logout: bool) -> None:
    token = (await town.register("alice"))["access_token"]
    other = (await town.log_in("alice")).json["access_token"]
    body = {"new_password": "battery staple", "logout_devices": logout}
    assert (await town.by_password("POST", "/account/password", body, token)).json == {}
    assert (await town.whoami(token)).status == 200
    assert (await town.whoami(other)).status == (401 if logout else 200)
    assert (await town.log_in("alice")).status == 403
    assert (await town.log_in("alice", "battery staple")).status == 200


async def test_new_passwords_that_are_refused(town: Town) -> None:
    token = (await town.register("alice"))["access_token"]
    weak = await town.ask("POST", "/account/password", {"new_password": "x"}, token)
    assert weak.error == (400, "M_WEAK_PASSWORD")
    none = await town.ask("POST", "/account/password", {}, token)
    assert none.error == (400, "M_MISSING_PARAM")
    body = {"new_password": "battery staple"}
    wrong = await town.by_password("POST", "/account/password", body, token, "wrong horse")
    assert wrong.error == (401, "M_FORBIDDEN")
    assert (await town.log_in("alice")).status == 200


async def test_there_are_no_third_party_ids(town: Town) -> None:
    token = (await town.register("alice"))["access_token"]
    assert await town.ok("GET", "/account/3pid", token=token) == {"threepids": []}


async def test_profile_fields_are_set_read_and_removed(town: Town) -> None:
    token = (await town.register("alice"))["access_token"]
    assert await town.ok("GET", ALICE) == {}
    fields: dict[str, Any] = {
        "displayname": "Älice",
        "avatar_url": "mxc://firn.test/abc",
        "m.tz": "Europe/Berlin",
        "org.example.mood": {"happy": [1, None, True]},
    }
    for name, value in fields.items():
        await town.ok("PUT", f"{ALICE}/{name}", {name: value}, token)
    assert await town.ok("GET", ALICE) == fields
    assert await town.ok("GET", f"{ALICE}/m.tz") == {"m.tz": "Europe/Berlin"}
    for name in ("displayname", "m.tz", "m.tz"):
        await town.ok("DELETE", f"{ALICE}/{name}", token=token)
    assert (await town.ask("GET", f"{ALICE}/m.tz")).error == (404, "M_NOT_FOUND")
    await town.ok("PUT", f"{ALICE}/avatar_url", {"avatar_url": ""}, token)
    assert await town.ok("GET", ALICE) == {"org.example.mood": fields["org.example.mood"]}


@pytest.mark.parametrize(
    ("name", "body", "error"),
    [
        ("displayname", {}, (400, "M_MISSING_PARAM")),
        ("displayname", {"displayname": 7}, (400, "M_BAD_JSON")),
        ("displayname", {"displayname": None}, (400, "M_BAD_JSON")),
        ("displayname", {"displayname": "x" * 1025}, (400, "M_INVALID_PARAM")),
        ("avatar_url", {"avatar_url": "https://x"}, (400, "M_INVALID_PARAM")),
        ("Upper", {"Upper": 1}, (400, "M_INVALID_PARAM")),
        ("x" * 256, {"x" * 256: 1}, (400, "M_KEY_TOO_LARGE")),
        ("org.big", {"org.big": "x" * 65_536}, (400, "M_PROFILE_TOO_LARGE")),
    ],
)
async def test_profile_fields_that_are_refused(
    town: Town, name: str, body: dict[str, Any], error: tuple[int, str]
) -> None:
    token = (await town.register("alice"))["access_token"]
    assert (await town.ask("PUT", f"{ALICE}/{name}", body, token)).error == error
    assert await town.ok("GET", ALICE) == {}


async def test_only_ones_own_profile_can_be_changed(town: Town) -> None:
    await town.register("alice")
    token = (await town.register("bob"))["access_token"]
    body = {"displayname": "Mallory"}
    assert (await town.ask("PUT", f"{ALICE}/displayname", body, token)).error[0] == 403
    assert (await town.ask("DELETE", f"{ALICE}/displayname", token=token)).error[0] == 403
    assert (await town.ask("GET", "/profile/@nobody:firn.test")).error == (404, "M_NOT_FOUND")
    assert (await town.ask("GET", "/profile/garbage")).error == (404, "M_NOT_FOUND")


async def test_parallel_changes_of_a_profile_lose_no_field(town: Town) -> None:
    token = (await town.register("alice"))["access_token"]
    names = [f"org.f{i}" for i in range(6)]
    await asyncio.gather(
        *[town.ok("PUT", f"{ALICE}/{name}", {name: name}, token) for name in names]
    )
    assert await town.ok("GET", ALICE) == {name: name for name in names}


async def test_F1_a_deactivation_that_was_cut_short_is_finished_at_the_next_start(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account is gone at once; its user leaves the rooms, whatever comes between."""
    alice, bob = await town.register("alice"), await town.register("bob")
    rooms = []
    for _ in range(2):
        made = await town.ok("POST", "/createRoom", {"preset": "public_chat"}, bob["access_token"])
        rooms.append(made["room_id"])
        await town.ok("POST", f"/rooms/{rooms[-1]}/join", {}, alice["access_token"])

    async def members(room: str) -> set[str]:
        path = f"/rooms/{room}/joined_members"
        return set((await town.ok("GET", path, token=bob["access_token"]))["joined"])

    with monkeypatch.context() as killed:

        async def away(*_: object) -> None:
            raise UnavailableError("killed")

        killed.setattr(LeaveRoom, "__call__", away)
        answer = await town.by_password("POST", "/account/deactivate", {}, alice["access_token"])
        assert answer.status == 503
    assert (await town.whoami(alice["access_token"])).status == 401
    assert all([alice["user_id"] in await members(room) for room in rooms])
    await town.accounts.finish_deactivations()
    for room in rooms:
        assert await members(room) == {bob["user_id"]}
