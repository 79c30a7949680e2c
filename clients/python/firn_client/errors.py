"""What can go wrong, by the server's error code."""

from __future__ import annotations

from typing import Any, ClassVar


class FirnError(Exception):
    """The base of everything that this package raises on purpose."""


class ConnectionFailedError(FirnError):
    """No answer came. `sent` is False where the server cannot have got the request."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class ProtocolError(FirnError):
    """The server said something that is not the protocol."""


class NotLoggedInError(FirnError):
    """A call that needs a session, and there is none."""


class MatrixError(FirnError):
    """The server refused: HTTP status, `errcode`, `error`, and the whole error object.

    Codes with a class of their own (below) are raised as that class.
    """

    by_errcode: ClassVar[dict[str, type[MatrixError]]] = {}

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self.status = status
        self.body = body
        self.errcode = _text(body, "errcode")
        self.error = _text(body, "error")
        super().__init__(f"{status} {self.errcode}: {self.error}")

    def __init_subclass__(cls, *, errcode: str) -> None:
        """Be what `refusal` makes for this code."""
        super().__init_subclass__()
        MatrixError.by_errcode[errcode] = cls


class ForbiddenError(MatrixError, errcode="M_FORBIDDEN"):
    """One may not do this."""


class UnknownTokenError(MatrixError, errcode="M_UNKNOWN_TOKEN"):
    """The session has ended, or needs a new access token."""

    @property
    def soft_logout(self) -> bool:
        """Whether the device remains, so that one may log in to it again."""
        return self.body.get("soft_logout") is True


class MissingTokenError(MatrixError, errcode="M_MISSING_TOKEN"):
    """A request without an access token."""


class NotFoundError(MatrixError, errcode="M_NOT_FOUND"):
    """There is no such thing."""


class UnrecognizedError(MatrixError, errcode="M_UNRECOGNIZED"):
    """The server does not know this endpoint."""


class LimitExceededError(MatrixError, errcode="M_LIMIT_EXCEEDED"):
    """Too many requests. `retry_after` is in seconds; None where the server did not say."""

    retry_after: float | None = None


class UserInUseError(MatrixError, errcode="M_USER_IN_USE"):
    """The name has an account already."""


class RoomInUseError(MatrixError, errcode="M_ROOM_IN_USE"):
    """The alias has a room already."""


class InvalidUsernameError(MatrixError, errcode="M_INVALID_USERNAME"):
    """No user can have this name."""


class WeakPasswordError(MatrixError, errcode="M_WEAK_PASSWORD"):
    """The server wants a better password."""


class TooLargeError(MatrixError, errcode="M_TOO_LARGE"):
    """The request or event is too large."""


class BadJsonError(MatrixError, errcode="M_BAD_JSON"):
    """JSON of another shape than wanted."""


class InvalidParamError(MatrixError, errcode="M_INVALID_PARAM"):
    """A parameter with a bad value."""


class UserDeactivatedError(MatrixError, errcode="M_USER_DEACTIVATED"):
    """The account has ended."""


class UserLockedError(MatrixError, errcode="M_USER_LOCKED"):
    """The account is locked; the session lasts until it is unlocked."""


def refusal(status: int, body: object, retry_after: str | None = None) -> MatrixError:
    """The error for an answer. `retry_after` is the HTTP header of this name, in seconds."""
    found: dict[str, Any] = body if isinstance(body, dict) else {}
    kind = MatrixError.by_errcode.get(_text(found, "errcode"), MatrixError)
    if status == TOO_MANY:  # a gateway says it without a code
        kind = LimitExceededError
    error = kind(status, found)
    if isinstance(error, LimitExceededError):
        error.retry_after = _seconds(found.get("retry_after_ms"), retry_after)
    return error


TOO_MANY = 429


def _seconds(milliseconds: object, header: str | None) -> float | None:
    if isinstance(milliseconds, int) and milliseconds >= 0:
        return milliseconds / 1000
    return float(header) if header is not None and header.isdecimal() else None


def _text(body: dict[str, Any], key: str) -> str:
    value = body.get(key, "")
    return value if isinstance(value, str) else ""
