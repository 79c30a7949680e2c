"""Account data: what clients keep at the server about themselves, and tags within it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

import msgspec

from homeserver.application.user_data.items import GLOBAL, DataItem, DataKey, UserData
from homeserver.domain.push.default_rules import default_rules

if TYPE_CHECKING:
    from homeserver.application.ports.user_data_store import UserDataStore
    from homeserver.application.writing.draft import Draft

PUSH_RULES: Final[DataKey] = (GLOBAL, "m.push_rules")
_encode = msgspec.json.Encoder().encode


class AccountData:
    """The account data of lately active users.

    While anybody holds a user's data, everybody gets the same object, so a change that was
    prepared on it is seen by all (as rooms in `RoomRegistry`).
    """

    def __init__(self, store: UserDataStore, keep: int = 10_000) -> None:
        """Keep up to `keep` users' data that nobody else holds."""
        self._store = store
        self._keep = keep
        self._live: WeakValueDictionary[int, UserData] = WeakValueDictionary()
        self._recent: OrderedDict[int, UserData] = OrderedDict()
        self._loading: dict[int, asyncio.Task[UserData]] = {}
        self._outdated: set[int] = set()

    def known(self, user_nid: int) -> UserData | None:
        """What `of` would give without waiting."""
        data = self._recent.get(user_nid)
        if data is not None:
            self._recent.move_to_end(user_nid)
        return data

    async def of(self, user_nid: int) -> UserData:
        """One user's data, loaded once for all who ask meanwhile.

        The default push rules stand in where the user has none of their own.
        """
        data = self._live.get(user_nid)
        if data is None:
            task = self._loading.get(user_nid)
            if task is None:
                task = self._loading[user_nid] = asyncio.create_task(self._load(user_nid))
                task.add_done_callback(lambda _: self._loading.pop(user_nid, None))
            data = await asyncio.shield(task)
        self._recent[user_nid] = data
        self._recent.move_to_end(user_nid)
        while len(self._recent) > self._keep:
            self._recent.popitem(last=False)
        return data

    def put(self, draft: Draft, data: UserData, key: DataKey, content_json: bytes) -> None:
        """Replace an item within a batch; memory follows once that is durable."""
        item = DataItem(content_json, draft.slot, draft.next_pos(), 1)
        self._store.write_account_data(draft, data.user_nid, key, item)
        draft.touch_user(data.user_nid)
        draft.on_commit(lambda: self._follow(data, key, item))

    def forget(self, user_nid: int) -> None:
        """Read this user's data anew when it is asked for next: another worker changed it."""
        self._live.pop(user_nid, None)
        self._recent.pop(user_nid, None)
        loading = self._loading.get(user_nid)
        if loading is not None and loading.done():
            del self._loading[user_nid]
        elif loading is not None:
            self._outdated.add(user_nid)

    def _follow(self, data: UserData, key: DataKey, item: DataItem) -> None:
        """Count the revision where the order of the batch is settled."""
        if self._live.get(data.user_nid) is not data:
            self.forget(data.user_nid)  # who reads now may have read before the commit
        held = data.items.get(key)
        rev = held.rev + 1 if held is not None else 1
        data.merge(key, DataItem(item.content_json, item.slot, item.pos, rev))

    async def _load(self, user_nid: int) -> UserData:
        self._outdated.discard(user_nid)
        user_id, items = await self._store.account_data(user_nid)
        while user_nid in self._outdated:
            self._outdated.discard(user_nid)
            user_id, items = await self._store.account_data(user_nid)
        data = UserData(user_nid, user_id, items)
        if PUSH_RULES not in data.items:
            rules = _encode({"global": default_rules(user_id)})
            data = UserData(user_nid, user_id, [(PUSH_RULES, DataItem(rules, 0, 0, 0)), *items])
        self._live[user_nid] = data
        return data
