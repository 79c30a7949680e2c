"""What administrators of the server may look at and do (v1.18)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.accounts.conftest import PASSWORD

if TYPE_CHECKING:
    from tests.integration.accounts.conftest import Town

LOCK = "/_matrix/client/v1/admin/lock/"
ALICE, ROOT = "@alice:firn.test", "@root:firn.test"
FORBIDDEN = (403, "M_FORBIDDEN")


async def administrator(town: Town, name: str = "root") -> str:
    """Make an administrator; an access token."""
    await town.accounts.add_user(name, PASSWORD, admin=True)
    return str((await town.log_in(name)).json["access_token"])


async def test_an_administrator_locks_and_unlocks(town: Town) -> None:
    root, alice = await administrator(town), (await town.register("alice"))["access_token"]
    assert await town.ok("GET", LOCK + ALICE, token=root) == {"locked": False}
    assert await town.ok("PUT", LOCK + ALICE, {"locked": True}, root) == {"locked": True}
    assert await town.ok("GET", LOCK + ALICE, token=root) == {"locked": True}
    refused = await town.whoami(alice)
    assert refused.error == (401, "M_USER_LOCKED")
    assert refused.json["soft_logout"] is True
    assert await town.ok("PUT", LOCK + ALICE, {"locked": False}, root) == {"locked": False}
    assert (await town.whoami(alice)).status == 200


@pytest.mark.parametrize("user_id", [ALICE, ROOT, "@nobody:firn.test", "@x:elsewhere.org", "x"])
async def test_who_is_no_administrator_learns_nothing(town: Town, user_id: str) -> None:
    await administrator(town)
    alice = (await town.register("alice"))["access_token"]
    assert (await town.ask("GET", LOCK + user_id, token=alice)).error == FORBIDDEN
    asked = await town.ask("PUT", LOCK + user_id, {"locked": True}, alice)
    assert asked.error == FORBIDDEN


async def test_whom_an_administrator_may_not_lock(town: Town) -> None:
    root, _ = await administrator(town), await administrator(town, "other")
    gone = (await town.register("gone"))["access_token"]
    assert (await town.by_password("POST", "/account/deactivate", {}, gone)).status == 200
    for user_id, error in (
        (ROOT, FORBIDDEN),
        ("@other:firn.test", FORBIDDEN),
        ("@nobody:firn.test", (404, "M_NOT_FOUND")),
        ("@gone:firn.test", (404, "M_NOT_FOUND")),
        ("@alice:elsewhere.org", (400, "M_INVALID_PARAM")),
        ("alice", (400, "M_INVALID_PARAM")),
    ):
        asked = await town.ask("PUT", LOCK + user_id, {"locked": True}, root)
        assert asked.error == error, user_id
        own = user_id == ROOT
        looked = await town.ask("GET", LOCK + user_id, token=root)
        assert (looked.status == 200) if own else (looked.error == error), user_id
    assert (await town.whoami(root)).status == 200
    for body, errcode in (({}, "M_MISSING_PARAM"), ({"locked": "yes"}, "M_BAD_JSON")):
        asked = await town.ask("PUT", LOCK + ALICE, body, root)
        assert asked.error == (400, errcode)


async def test_whois_is_for_oneself_and_for_administrators(town: Town) -> None:
    root = await administrator(town)
    alice = (await town.register("alice", device_id="PHONE"))["access_token"]
    await town.log_in("alice", device_id="DESK")
    bob = (await town.register("bob"))["access_token"]
    path = "/admin/whois/" + ALICE
    found = await town.ok("GET", path, token=alice)
    assert found["user_id"] == ALICE
    assert set(found["devices"]) == {"PHONE", "DESK"}
    (session,) = found["devices"]["PHONE"]["sessions"]
    assert session["connections"][0]["ip"] == "127.0.0.1"
    assert session["connections"][0]["last_seen"] > 0
    assert await town.ok("GET", path, token=root) == found
    assert (await town.ask("GET", path, token=bob)).error == FORBIDDEN
    nobody = await town.ask("GET", "/admin/whois/@nobody:firn.test", token=root)
    assert nobody.error == (404, "M_NOT_FOUND")
    hidden = await town.ask("GET", "/admin/whois/@nobody:firn.test", token=bob)
    assert hidden.error == FORBIDDEN
