"""Looking at profiles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from homeserver.application.accounts.profile_cache import MAX_CACHED
from homeserver.application.ports.unknown_ids import NobodyElse
from homeserver.domain.shared.errors import NotFoundError

if TYPE_CHECKING:
    from homeserver.application.ports.account_store import AccountStore
    from homeserver.application.ports.profile_store import ProfileStore
    from homeserver.application.ports.unknown_ids import UnknownIds
    from homeserver.domain.shared.json import Json, JsonObject


@dataclass(frozen=True, slots=True)
class ReadProfile:
    """Gives the profile of a user of this server."""

    accounts: AccountStore
    profiles: ProfileStore
    unknown: UnknownIds = field(default_factory=NobodyElse)
    _nids: dict[str, int] = field(default_factory=dict)

    async def __call__(self, user_id: str) -> JsonObject:
        """All fields; NotFoundError where there is no such account."""
        nid = self._nids.get(user_id)
        if nid is None:
            nid = await self._find(user_id)
        return (await self.profiles.find(nid)).fields

    async def _find(self, user_id: str) -> int:
        """Look an account up once: it never goes away, nor changes its number."""
        account = await self.accounts.find(user_id)
        if account is None and await self.unknown.for_user(user_id):
            account = await self.accounts.find(user_id)
        if account is None:
            raise NotFoundError("No such user")
        if len(self._nids) >= MAX_CACHED:
            self._nids.clear()
        self._nids[user_id] = account.user_nid
        return account.user_nid

    async def field(self, user_id: str, name: str) -> Json:
        """One field; NotFoundError where it is not set."""
        fields = await self(user_id)
        if name not in fields:
            raise NotFoundError("This profile has no such field")
        return fields[name]
