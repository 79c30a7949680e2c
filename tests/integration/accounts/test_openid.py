"""OpenID tokens: they say whose they are for an hour, and open nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.accounts.conftest import Town

INFO = "/_matrix/federation/v1/openid/userinfo"


async def test_a_token_says_whose_it_is_and_opens_nothing_else(town: Town) -> None:
    romeo = await town.register("romeo")
    path = f"/user/{romeo['user_id']}/openid/request_token"

    token = await town.ok("POST", path, {}, romeo["access_token"])

    assert token == {
        "access_token": token["access_token"],
        "token_type": "Bearer",
        "matrix_server_name": town.core.server_name,
        "expires_in": 3600,
    }
    found = await town.ok("GET", f"{INFO}?access_token={token['access_token']}")
    assert found == {"sub": romeo["user_id"]}
    assert (await town.whoami(token["access_token"])).error == (401, "M_UNKNOWN_TOKEN")
    again = await town.ask("POST", path, {}, token["access_token"])
    assert again.error == (401, "M_UNKNOWN_TOKEN")


async def test_nobody_gets_one_of_another_user(town: Town) -> None:
    romeo, juliet = await town.register("romeo"), await town.register("juliet")
    path = f"/user/{juliet['user_id']}/openid/request_token"
    answer = await town.ask("POST", path, {}, romeo["access_token"])
    assert answer.error == (403, "M_FORBIDDEN")


async def test_access_tokens_nonsense_and_nothing_are_no_openid_tokens(town: Town) -> None:
    romeo = await town.register("romeo")
    for token in (romeo["access_token"], "x", "%F0%9F%98%80"):
        answer = await town.ask("GET", f"{INFO}?access_token={token}")
        assert answer.error == (401, "M_UNKNOWN_TOKEN")
    assert (await town.ask("GET", INFO)).error == (401, "M_MISSING_TOKEN")


async def test_it_ends_after_an_hour_and_with_the_account(town: Town) -> None:
    tokens = []
    for name in ("romeo", "juliet"):
        user = await town.register(name)
        path = f"/user/{user['user_id']}/openid/request_token"
        tokens.append((await town.ok("POST", path, {}, user["access_token"]))["access_token"])
    await town.lock(f"@juliet:{town.core.server_name}", locked=True)
    locked = await town.ask("GET", f"{INFO}?access_token={tokens[1]}")
    assert locked.error == (401, "M_UNKNOWN_TOKEN")
    await town.lock(f"@juliet:{town.core.server_name}", locked=False)

    town.store.clock.advance(3599)
    await town.ok("GET", f"{INFO}?access_token={tokens[0]}")
    town.store.clock.advance(2)
    answer = await town.ask("GET", f"{INFO}?access_token={tokens[0]}")
    assert answer.error == (401, "M_UNKNOWN_TOKEN")
