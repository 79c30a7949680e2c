"""Whether a user name can be had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.domain.shared.identifiers import check_new_user_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.accounts.create_account import CreateAccount
    from homeserver.domain.appservices.services import Services


@dataclass(frozen=True, slots=True)
class NameAvailable:
    """Checks a name without taking it."""

    create_account: CreateAccount
    server_name: str
    services: Callable[[], Services]

    async def __call__(self, username: str) -> None:
        """Return where the name is free.

        Otherwise InvalidUsernameError, ExclusiveError, UserInUseError.
        """
        user_id = check_new_user_id(username, self.server_name)
        self.services().check_new_user(user_id, None)
        await self.create_account.check_free(user_id)
