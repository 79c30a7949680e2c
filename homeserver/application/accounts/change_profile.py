"""Changing one's own profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.accounts.errors import StaleError
from homeserver.application.ports.profile_store import Profile
from homeserver.domain.accounts.profile import (
    AVATAR_URL,
    DISPLAY_NAME,
    check_field_name,
    with_field,
)
from homeserver.domain.shared.errors import (
    ForbiddenError,
    GuestAccessForbiddenError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from homeserver.application.ports.account_listeners import ProfileListener
    from homeserver.application.ports.profile_store import ProfileStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.shared.json import Json, JsonObject

_IN_ROOMS = frozenset({DISPLAY_NAME, AVATAR_URL})
_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class ChangeProfile:
    """Sets and removes fields; a new name or avatar is told to the listeners."""

    profiles: ProfileStore
    writer: Writer
    listeners: Sequence[ProfileListener] = ()

    async def __call__(self, requester: Requester, user_id: str, name: str, value: Json) -> None:
        """Set a field; an empty name or avatar removes it. See `with_field` for errors."""
        if name in _IN_ROOMS and value == "":
            await self.remove(requester, user_id, name)
            return
        await self._change(requester, user_id, name, lambda old: with_field(old, name, value))

    async def remove(self, requester: Requester, user_id: str, name: str) -> None:
        """Remove a field, set or not."""
        check_field_name(name)
        await self._change(
            requester, user_id, name, lambda old: {k: v for k, v in old.items() if k != name}
        )

    async def _change(
        self,
        requester: Requester,
        user_id: str,
        name: str,
        edit: Callable[[JsonObject], JsonObject],
    ) -> None:
        if user_id != requester.user_id:
            raise ForbiddenError("You may only change your own profile")
        if requester.is_guest and name != DISPLAY_NAME:
            raise GuestAccessForbiddenError("Guests may only change their display name")
        fields = await self._store(requester.user_nid, edit)
        if fields is not None and name in _IN_ROOMS:
            for listener in self.listeners:
                await listener(requester, fields.get(DISPLAY_NAME), fields.get(AVATAR_URL))

    async def _store(
        self, user_nid: int, edit: Callable[[JsonObject], JsonObject]
    ) -> JsonObject | None:
        """Store the profile as `edit` leaves it, and give it; None where nothing changed."""
        for _ in range(_ATTEMPTS):
            old = await self.profiles.find(user_nid)
            new = Profile(edit(old.fields), old.rev + 1)
            if new.fields == old.fields:
                return None

            def change(draft: Draft, new: Profile = new) -> None:
                self.profiles.put(draft, user_nid, new)
                draft.touch_user(user_nid)

            try:
                await self.writer.submit(change, conflict=StaleError())
            except StaleError:
                continue
            return new.fields
        raise UnavailableError("Too much contention")
