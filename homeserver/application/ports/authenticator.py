"""The port that turns access tokens into requesters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from homeserver.application.requester import Requester
    from homeserver.domain.appservices.registration import Registration


class SessionCheck(Protocol):
    """Knows whether what was authenticated once still is: for long-polls and sockets."""

    async def check_session(self, requester: Requester) -> None:
        """Return where the token behind `requester` is good; raises as `authenticate` does."""
        ...


class Authenticator(SessionCheck, Protocol):
    """Knows every valid access token."""

    async def authenticate(self, token: str) -> Requester:
        """Give the requester behind `token`.

        Raises UnknownTokenError (with `soft_logout=True` where the device still exists)
        for a token that is unknown, expired or revoked, and UnavailableError when that
        cannot be decided now. `token` is never logged and never part of an exception.
        """
        ...

    async def authenticate_to_log_out(self, token: str) -> Requester:
        """Like `authenticate`, but a locked account is let through: it may still log out."""
        ...


class ServiceSessions(SessionCheck, Protocol):
    """Knows the tokens of application services; checks sessions of every kind."""

    def service_of(self, token: str) -> Registration | None:
        """The service that a token belongs to; no look into the store."""
        ...

    async def act_as(
        self, service: Registration, user_id: str | None, device_id: str | None
    ) -> Requester:
        """Give the requester that a service asks to be; None: its sender, no device.

        Raises ForbiddenError for a user that is not its own or does not exist,
        UnknownDeviceError, UserDeactivatedError, UserLockedError, UnavailableError.
        """
        ...
