"""OpenID tokens (Client-Server API and Server-Server API, "OpenID")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from homeserver.application.accounts.open_session import token_hash
from homeserver.domain.shared.errors import ForbiddenError, UnknownTokenError

if TYPE_CHECKING:
    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.ids import Ids
    from homeserver.application.ports.openid_store import OpenIdStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft

LIFETIME_SECONDS: Final = 3600
_TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class RequestOpenIdToken:
    """Makes a token that is good for nothing but `OpenIdUserInfo`, for an hour."""

    store: OpenIdStore
    writer: Writer
    ids: Ids
    server_name: str

    async def __call__(self, requester: Requester, user_id: str) -> dict[str, Any]:
        """Give the specification's object; ForbiddenError for another user's."""
        if user_id != requester.user_id:
            raise ForbiddenError("You may only request a token for yourself")
        token = f"firno_{self.ids.token(_TOKEN_BYTES)}"

        def change(draft: Draft) -> None:
            expires = draft.now + 1000 * LIFETIME_SECONDS
            self.store.add(draft, token_hash(token), requester.user_nid, expires)

        await self.writer.submit(change)
        return {
            "access_token": token,
            "token_type": "Bearer",
            "matrix_server_name": self.server_name,
            "expires_in": LIFETIME_SECONDS,
        }


@dataclass(frozen=True, slots=True)
class OpenIdUserInfo:
    """Tells whoever was given a token whose it is."""

    store: OpenIdStore
    clock: Clock

    async def __call__(self, token: str) -> dict[str, Any]:
        """Give the specification's object; UnknownTokenError for a token that is not good."""
        user_id = await self.store.user_of(token_hash(token), self.clock.now_ms())
        if user_id is None:
            raise UnknownTokenError("Access token unknown or expired")
        return {"sub": user_id}
