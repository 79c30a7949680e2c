"""Access tokens: where they are found and what each kind of route asks of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

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


class Identify:
    """Knows who asks with a token: a user, or an application service as whom it says."""

    def __init__(
        self, authenticator: Authenticator, services: ServiceSessions | None = None
    ) -> None:
        """`services` lets application services in."""
        self._authenticator = authenticator
        self._services = services

    def __call__(self, request: Request, token: str) -> Coroutine[Any, Any, Requester]:
        """Raises as `Authenticator.authenticate` and `ServiceSessions.act_as` do."""
        if not self.is_service(token):  # most requests: no coroutine more
            return self._authenticator.authenticate(token)
        return self.service(token, request.param("user_id"), request.param("device_id"))

    def is_service(self, token: str) -> bool:
        """Whether this is an application service's token."""
        return self._services is not None and self._services.service_of(token) is not None

    async def service(
        self, token: str, user_id: str | None = None, device_id: str | None = None
    ) -> Requester:
        """The service with this token, as its sender or a user and device of its own.

        UnknownTokenError where it is no service's.
        """
        service = self._services.service_of(token) if self._services is not None else None
        if service is None or self._services is None:
            raise UnknownTokenError("This is not an application service's token")
        return await self._services.act_as(service, user_id, device_id)


class _Gates:
    def __init__(self, authenticator: Authenticator, services: ServiceSessions | None) -> None:
        self._authenticator = authenticator
        self._identify = Identify(authenticator, services)

    async def optional(self, request: Request) -> None:
        token = access_token(request)
        if token is not None:
            request.requester = await self._identify(request, token)

    async def door(self, request: Request) -> None:
        token = access_token(request)
        if token is not None and self._identify.is_service(token):
            request.requester = await self._identify.service(token)

    async def guest(self, request: Request) -> None:
        request.requester = await self._identify(request, _due_token(request))

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
        if self._identify.is_service(token):
            request.requester = await self._identify(request, token)
        else:
            request.requester = await self._authenticator.authenticate_to_log_out(token)


def _due_token(request: Request) -> str:
    token = access_token(request)
    if token is None:
        raise MissingTokenError("Missing access token")
    return token
