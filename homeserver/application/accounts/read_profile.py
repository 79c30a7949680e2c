"""Looking at profiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import NotFoundError

if TYPE_CHECKING:
    from homeserver.application.ports.account_store import AccountStore
    from homeserver.application.ports.profile_store import ProfileStore
    from homeserver.domain.shared.json import Json, JsonObject


@dataclass(frozen=True, slots=True)
class ReadProfile:
    """Gives the profile of a user of this server."""

    accounts: AccountStore
    profiles: ProfileStore

    async def __call__(self, user_id: str) -> JsonObject:
        """All fields; NotFoundError where there is no such account."""
        account = await self.accounts.find(user_id)
        if account is None:
            raise NotFoundError("No such user")
        return (await self.profiles.find(account.user_nid)).fields

    async def field(self, user_id: str, name: str) -> Json:
        """One field; NotFoundError where it is not set."""
        fields = await self(user_id)
        if name not in fields:
            raise NotFoundError("This profile has no such field")
        return fields[name]
