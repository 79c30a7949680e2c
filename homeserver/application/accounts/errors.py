"""Refusals that only accounts know."""

from __future__ import annotations

from homeserver.domain.shared.errors import MatrixError


class UserLockedError(MatrixError):
    """The account is locked (Client-Server API, "Account locking")."""

    status = 401
    errcode = "M_USER_LOCKED"

    def __init__(self) -> None:
        """The session itself stays good."""
        super().__init__("This account has been locked", soft_logout=True)


class UiaChallengeError(MatrixError):
    """A further step of user-interactive authentication is due; `extra` is the whole body."""

    status = 401
    errcode = ""


class StaleError(MatrixError):
    """What a change was built on has moved; nobody but the use case that repeats it sees this."""

    status = 503
