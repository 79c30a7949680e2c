"""Users of this and other servers, by id and by internal id."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from homeserver.application.accounts.errors import StaleError
from homeserver.application.ports.unknown_ids import NobodyElse

if TYPE_CHECKING:
    from homeserver.application.ports.account_store import AccountStore
    from homeserver.application.ports.nids import Nids
    from homeserver.application.ports.unknown_ids import UnknownIds
    from homeserver.application.ports.user_store import UserStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.writing.draft import Draft

MAX_CACHED = 100_000


class Users:
    """See `application.ports.users.Users`: pairs of user id and internal id, kept in memory: they never change.

    At most `max_cached` of them, the least recently used goes first.
    """

    def __init__(
        self,
        users: UserStore,
        accounts: AccountStore,
        writer: Writer,
        nids: Nids,
        *,
        server_name: str,
        unknown: UnknownIds | None = None,
        max_cached: int = MAX_CACHED,
    ) -> None:
        """Begin with nobody in memory; `unknown` is asked for accounts that are not there."""
        self._users = users
        self._accounts = accounts
        self._writer = writer
        self._nids = nids
        self._domain = f":{server_name}"
        self._unknown = unknown or NobodyElse()
        self._max_cached = max_cached
        self._by_id: OrderedDict[str, int] = OrderedDict()
        self._by_nid: dict[int, str] = {}

    async def nid_of(self, user_id: str, *, create: bool) -> int | None:
        """The internal id of a user; with `create`, one that is not known yet gets one.

        `user_id` must be valid. Any number of callers get the same answer.
        """
        nid = self.cached_nid(user_id)
        if nid is None:
            nid = await self._users.nid_of(user_id)
        if nid is None and create:
            nid = await self._create(user_id)
        if nid is not None:
            self._keep(user_id, nid)
        return nid

    def cached_nid(self, user_id: str) -> int | None:
        """The internal id where it is in memory."""
        nid = self._by_id.get(user_id)
        if nid is not None:
            self._by_id.move_to_end(user_id)
        return nid

    async def user_id_of(self, nid: int) -> str | None:
        """The user with an internal id."""
        user_id = self._by_nid.get(nid)
        if user_id is not None:
            self._by_id.move_to_end(user_id)
            return user_id
        user_id = await self._users.user_id_of(nid)
        if user_id is not None:
            self._keep(user_id, nid)
        return user_id

    async def exists_locally(self, user_id: str) -> bool:
        """Whether this is an account of this server that was not deactivated."""
        if not user_id.endswith(self._domain):
            return False
        account = await self._accounts.find(user_id)
        if account is None and await self._unknown.for_user(user_id):
            account = await self._accounts.find(user_id)
        return account is not None and not account.deactivated

    async def _create(self, user_id: str) -> int | None:
        nid = self._nids.new_nid()

        def change(draft: Draft) -> None:
            self._users.add(draft, nid, user_id)

        try:
            await self._writer.submit(change, conflict=StaleError())
        except StaleError:  # somebody else was faster
            return await self._users.nid_of(user_id)
        return nid

    def _keep(self, user_id: str, nid: int) -> None:
        self._by_id[user_id] = nid
        self._by_id.move_to_end(user_id)
        self._by_nid[nid] = user_id
        if len(self._by_id) > self._max_cached:
            _, oldest = self._by_id.popitem(last=False)
            self._by_nid.pop(oldest, None)
