"""Whom a user ignores (Client-Server API, "Ignoring Users")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from homeserver.application.user_data.items import GLOBAL

if TYPE_CHECKING:
    from homeserver.application.user_data.account_data import AccountData
    from homeserver.application.user_data.items import UserData

IGNORED_USERS = "m.ignored_user_list"
NOBODY: frozenset[str] = frozenset()
_decode = msgspec.json.Decoder().decode


class IgnoredUsers:
    """Tells whom users ignore; it is read from their account data."""

    def __init__(self, account_data: AccountData) -> None:
        """Read here."""
        self._account_data = account_data

    async def __call__(self, user_nid: int) -> frozenset[str]:
        """The users whom this one (internal id) ignores."""
        return ignored_by(await self._account_data.of(user_nid))


def ignored_by(data: UserData) -> frozenset[str]:
    """The users whose messages and invites are kept from this one; state is not."""
    item = data.items.get((GLOBAL, IGNORED_USERS))
    if item is None:
        return NOBODY
    content = _decode(item.content_json)
    users = content.get("ignored_users") if isinstance(content, dict) else None
    return frozenset(users) - {data.user_id} if isinstance(users, dict) else NOBODY
