"""Users by id and by internal id."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from homeserver.application.accounts.users import Users
from homeserver.infrastructure.sql.accounts import SqlAccountStore
from homeserver.infrastructure.sql.users import SqlUserStore
from tests.support.store import SERVER_NAME

if TYPE_CHECKING:
    from tests.integration.accounts.conftest import Town
    from tests.support.store import Store, Worker

FOREIGN = "@zoë:elsewhere.test"


def users_of(store: Store, worker: Worker, max_cached: int = 100) -> Users:
    return Users(
        SqlUserStore(store.database),
        SqlAccountStore(store.database),
        worker.writer,
        worker.writer,
        server_name=SERVER_NAME,
        max_cached=max_cached,
    )


async def test_unknown_users_get_an_id_only_when_it_is_wanted(store: Store) -> None:
    users = users_of(store, store.worker)
    assert await users.nid_of(FOREIGN, create=False) is None
    nid = await users.nid_of(FOREIGN, create=True)
    assert nid is not None
    assert users.cached_nid(FOREIGN) == nid
    assert await users.user_id_of(nid) == FOREIGN
    fresh = users_of(store, store.worker)
    assert fresh.cached_nid(FOREIGN) is None
    assert await fresh.user_id_of(nid) == FOREIGN
    assert fresh.cached_nid(FOREIGN) == nid
    assert await fresh.user_id_of(nid + 1) is None


async def test_whoever_asks_at_once_gets_the_same_id(store: Store) -> None:
    other = await store.join("other")
    crowd = [users_of(store, w) for w in (store.worker, other) for _ in range(5)]
    nids = await asyncio.gather(*[users.nid_of(FOREIGN, create=True) for users in crowd])
    assert len(set(nids)) == 1
    assert len(await store.dump("matrix_user")) == 1


async def test_ids_that_differ_in_case_spaces_or_accents_are_different_users(
    store: Store,
) -> None:
    users = users_of(store, store.worker)
    ids = ["@a:x.test", "@A:x.test", "@a :x.test", "@ä:x.test"]
    nids = [await users.nid_of(user_id, create=True) for user_id in ids]
    assert len(set(nids)) == len(ids)


async def test_memory_is_bounded_both_ways(store: Store) -> None:
    users = users_of(store, store.worker, max_cached=2)
    nids = [await users.nid_of(f"@u{i}:x.test", create=True) for i in range(4)]
    assert [users.cached_nid(f"@u{i}:x.test") for i in range(4)] == [None, None, *nids[2:]]
    assert nids[0] is not None
    assert await users.user_id_of(nids[0]) == "@u0:x.test"


async def test_an_account_can_be_made_for_a_user_who_was_mentioned_before(town: Town) -> None:
    users = users_of(town.store, town.store.worker)
    nid = await users.nid_of("@alice:firn.test", create=True)
    assert not await users.exists_locally("@alice:firn.test")
    session = await town.register("alice")
    assert await users.exists_locally("@alice:firn.test")
    who = await town.accounts.authenticator.authenticate(session["access_token"])
    assert who.user_nid == nid
    gone = await town.by_password("POST", "/account/deactivate", {}, session["access_token"])
    assert gone.status == 200
    assert not await users.exists_locally("@alice:firn.test")
    assert not await users.exists_locally(FOREIGN)
