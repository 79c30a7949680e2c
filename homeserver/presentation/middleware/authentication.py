"""Access tokens: where they are found and what each kind of route asks of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import (
    ForbiddenError,
    GuestAccessForbiddenError,
    MissingTokenError,
)
from homeserver.presentation.routing import Auth

if TYPE_CHECKING:
    from homeserver.application.ports.authenticator import Authenticator
    from homeserver.presentation.request import Request

Gate = Callable[["Request"], Awaitable[None]]


def access_token(request: Request) -> str | None:
    """Give the token of a request: `Authorization: Bearer`, else `?access_token=`.

    Where both are present, the header wins (A8). Spec: "Using access tokens".
    """
    token = bearer_token(request.headers)
    if token is not None:
        return token
    if "access_token" in request.query_string:
        return request.param("access_token") or None
    return None


def bearer_token(headers: Mapping[str, str]) -> str | None:
    """Give the token of `Authorization: Bearer`."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    token = token.strip()
    return token if token and scheme.lower() == "bearer" else None


def token_gates(authenticator: Authenticator) -> dict[Auth, Gate]:
    """Give the gate of every kind of route that access tokens decide on."""

    async def optional(request: Request) -> None:
        token = access_token(request)
        if token is not None:
            request.requester = await authenticator.authenticate(token)

    async def guest(request: Request) -> None:
        request.requester = await authenticator.authenticate(_due_token(request))

    async def user(request: Request) -> None:
        await guest(request)
        if request.requester.is_guest:
            raise GuestAccessForbiddenError("Guests may not do this")

    async def admin(request: Request) -> None:
        await guest(request)
        if not request.requester.is_admin:
            raise ForbiddenError("Only administrators of this server may do this")

    async def logout(request: Request) -> None:
        request.requester = await authenticator.authenticate_to_log_out(_due_token(request))

    return {
        Auth.OPTIONAL: optional,
        Auth.GUEST: guest,
        Auth.USER: user,
        Auth.ADMIN: admin,
        Auth.LOGOUT: logout,
    }


def _due_token(request: Request) -> str:
    token = access_token(request)
    if token is None:
        raise MissingTokenError("Missing access token")
    return token
