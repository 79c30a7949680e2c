"""Whether a user name can be had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.domain.shared.identifiers import check_new_user_id

if TYPE_CHECKING:
    from homeserver.application.accounts.create_account import CreateAccount


@dataclass(frozen=True, slots=True)
class NameAvailable:
    """Checks a name without taking it."""

    create_account: CreateAccount
    server_name: str

    async def __call__(self, username: str) -> None:
        """Return where the name is free; InvalidUsernameError or UserInUseError otherwise."""
        await self.create_account.check_free(check_new_user_id(username, self.server_name))
