"""Account data and profiles that other workers change while they are read here."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from homeserver.application.accounts.profile_cache import ProfileCache
from homeserver.application.ports.profile_store import Profile
from homeserver.application.user_data.account_data import AccountData
from homeserver.application.user_data.items import GLOBAL, DataItem
from homeserver.application.writing.draft import Draft

KEY = (GLOBAL, "org.example")


class Store:
    """One user's item, whose reading takes until `go`."""

    def __init__(self) -> None:
        self.item = DataItem(b"1", 1, 1, 1)
        self.profile = Profile({"displayname": "one"}, rev=1)
        self.reads = 0
        self.go = asyncio.Event()
        self.go.set()

    async def account_data(self, _user_nid: int) -> tuple[str, list[Any]]:
        self.reads += 1
        item = self.item
        await self.go.wait()
        return "@u:x", [(KEY, item)]

    async def find(self, _user_nid: int) -> Profile:
        profile = self.profile
        await self.go.wait()
        return profile

    def write_account_data(self, *_: Any) -> None:
        """Only memory is looked at here."""


async def test_data_is_read_again_where_it_changed_during_the_reading() -> None:
    store = Store()
    data = AccountData(cast("Any", store))
    store.go.clear()
    reading = asyncio.create_task(data.of(5))
    while not store.reads:
        await asyncio.sleep(0)
    store.item = DataItem(b"2", 2, 9, 2)
    data.forget(5)
    store.go.set()
    assert (await reading).items[KEY].content_json == b"2"
    assert (await data.of(5)).items[KEY].content_json == b"2"


async def test_an_own_change_of_forgotten_data_is_not_lost() -> None:
    """It was prepared on the object that is forgotten, and becomes durable after a reading."""
    store = Store()
    data = AccountData(cast("Any", store))
    draft = Draft(1, 1, 0)
    data.put(draft, await data.of(5), KEY, b"mine")
    data.forget(5)
    assert (await data.of(5)).items[KEY].content_json == b"1"
    store.item = DataItem(b"mine", 1, 2, 2)  # durable now
    for effect in draft.after:
        effect()
    assert (await data.of(5)).items[KEY].content_json == b"mine"


async def test_a_profile_read_before_it_changed_is_not_kept() -> None:
    store = Store()
    profiles = ProfileCache(cast("Any", store))
    store.go.clear()
    reading = asyncio.create_task(profiles.find(5))
    await asyncio.sleep(0)
    store.profile = Profile({"displayname": "two"}, rev=2)
    profiles.forget(5)
    store.go.set()
    await reading
    assert (await profiles.find(5)).fields == {"displayname": "two"}
