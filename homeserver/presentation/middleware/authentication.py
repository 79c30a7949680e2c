"""Access tokens: where they are found and what each kind of route asks of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import (
    ForbiddenError,
    GuestAccessForbiddenError,
    MissingTokenError,
    UnknownTokenError,
)
from homeserver.presentation.routing import Auth

if TYPE_CHECKING:
    from homeserver.application.ports.authenticator import Authenticator, ServiceSessions
    from homeserver.application.requester import Requester
    from homeserver.domain.appservices.registration import Registration
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


def asking_service(request: Request) -> Requester:
    """Give the application service behind a request of the kind `Auth.DOOR`.

    MissingTokenError or UnknownTokenError where there is none.
    """
    requester = request.requester_if_any
    if requester is None:
        _due_token(request)
        raise UnknownTokenError("This is not an application service's token")
    return requester


def token_gates(
    authenticator: Authenticator, services: ServiceSessions | None = None
) -> dict[Auth, Gate]:
    """Give the gate of every kind of route that access tokens decide on.

    `services` lets application services in, as whom `user_id` and `device_id` say.
    """
    gates = _Gates(authenticator, services)
    return {
        Auth.OPTIONAL: gates.optional,
        Auth.DOOR: gates.door,
        Auth.SERVICE: gates.service,
        Auth.GUEST: gates.guest,
        Auth.USER: gates.user,
        Auth.ADMIN: gates.admin,
        Auth.LOGOUT: gates.logout,
    }


class _Gates:
    def __init__(self, authenticator: Authenticator, services: ServiceSessions | None) -> None:
        self._authenticator = authenticator
        self._services = services

    async def optional(self, request: Request) -> None:
        token = access_token(request)
        if token is not None:
            request.requester = await self._identify(request, token)

    async def door(self, request: Request) -> None:
        token = access_token(request)
        service = self._service_of(token) if token is not None else None
        if service is not None and self._services is not None:
            request.requester = await self._services.act_as(service, None, None)

    async def guest(self, request: Request) -> None:
        token = _due_token(request)
        if self._service_of(token) is None:  # most requests: no coroutine more
            request.requester = await self._authenticator.authenticate(token)
        else:
            request.requester = await self._identify(request, token)

    async def service(self, request: Request) -> None:
        await self.guest(request)
        if request.requester.appservice is None:
            raise ForbiddenError("This is not an application service's token")

    async def user(self, request: Request) -> None:
        await self.guest(request)
        if request.requester.is_guest:
            raise GuestAccessForbiddenError("Guests may not do this")

    async def admin(self, request: Request) -> None:
        await self.guest(request)
        if not request.requester.is_admin:
            raise ForbiddenError("Only administrators of this server may do this")

    async def logout(self, request: Request) -> None:
        token = _due_token(request)
        requester = await self._as_service(request, token)
        if requester is None:
            requester = await self._authenticator.authenticate_to_log_out(token)
        request.requester = requester

    async def _identify(self, request: Request, token: str) -> Requester:
        requester = await self._as_service(request, token)
        return requester or await self._authenticator.authenticate(token)

    async def _as_service(self, request: Request, token: str) -> Requester | None:
        service = self._service_of(token)
        if service is None or self._services is None:
            return None
        user_id, device_id = request.param("user_id"), request.param("device_id")
        return await self._services.act_as(service, user_id, device_id)

    def _service_of(self, token: str) -> Registration | None:
        return self._services.service_of(token) if self._services is not None else None


def _due_token(request: Request) -> str:
    token = access_token(request)
    if token is None:
        raise MissingTokenError("Missing access token")
    return token
