"""The one taxonomy of failures that reach a client.

Use cases and pure rules raise these; the presentation layer maps each class to a
status and an errcode in one table (`presentation/middleware/errors.py`).
"""

from __future__ import annotations


class MatrixError(Exception):
    """A refusal with a Matrix errcode.

    `status` is the HTTP status, `errcode` the Matrix error code, `extra` further
    keys of the error object (for example `soft_logout`, `retry_after_ms`).
    """

    status = 400
    errcode = "M_UNKNOWN"

    def __init__(self, message: str = "", **extra: object) -> None:
        """Keep the message for the client and the extra keys of the error body."""
        super().__init__(message)
        self.message = message
        self.extra = extra


class BadJsonError(MatrixError):
    """JSON of the wrong shape (a float in an event, a list where an object is due)."""

    errcode = "M_BAD_JSON"


class InvalidPduError(BadJsonError):
    """An event of another server that breaks its room version's format; it is dropped."""


class NotJsonError(MatrixError):
    """A body that is not JSON at all."""

    errcode = "M_NOT_JSON"


class InvalidParamError(MatrixError):
    """A parameter with a value that is not allowed."""

    errcode = "M_INVALID_PARAM"


class MissingParamError(MatrixError):
    """A required parameter that is absent."""

    errcode = "M_MISSING_PARAM"


class InvalidRelationError(MatrixError):
    """A relation that the rules of its kind forbid; the specification has no code for it."""


class DuplicateAnnotationError(MatrixError):
    """An annotation that its sender gave the event already."""

    errcode = "M_DUPLICATE_ANNOTATION"


class InvalidUsernameError(MatrixError):
    """A user name that the grammar forbids."""

    errcode = "M_INVALID_USERNAME"


class UserInUseError(MatrixError):
    """A user name that somebody has."""

    errcode = "M_USER_IN_USE"


class RoomInUseError(MatrixError):
    """A room alias that is taken."""

    errcode = "M_ROOM_IN_USE"


class UnsupportedRoomVersionError(MatrixError):
    """A room version that this server does not create or join."""

    errcode = "M_UNSUPPORTED_ROOM_VERSION"


class InvalidRoomStateError(MatrixError):
    """An initial state that the room's rules refuse."""

    errcode = "M_INVALID_ROOM_STATE"


class ForbiddenError(MatrixError):
    """The requester may not do this."""

    status = 403
    errcode = "M_FORBIDDEN"


class GuestAccessForbiddenError(ForbiddenError):
    """A guest, where the endpoint or the room is not open to guests."""

    errcode = "M_GUEST_ACCESS_FORBIDDEN"


class BadStateError(ForbiddenError):
    """A change that cannot begin where things stand, such as lifting a ban that there is not."""

    errcode = "M_BAD_STATE"


class InviteBlockedError(ForbiddenError):
    """An invitation of somebody who does not want any, or none from there."""

    errcode = "M_INVITE_BLOCKED"


class ServerNotTrustedError(ForbiddenError):
    """A third-party server, such as an identity server, that this server has nothing to do with."""

    errcode = "M_SERVER_NOT_TRUSTED"


class MissingTokenError(MatrixError):
    """No access token where one is due."""

    status = 401
    errcode = "M_MISSING_TOKEN"


class UnknownTokenError(MatrixError):
    """An access or refresh token that is not valid (any more)."""

    status = 401
    errcode = "M_UNKNOWN_TOKEN"


class NotFoundError(MatrixError):
    """The thing asked for does not exist, or the requester may not know that it does."""

    status = 404
    errcode = "M_NOT_FOUND"


class UnrecognizedError(MatrixError):
    """An unknown endpoint (404) or a method it does not have (405)."""

    status = 404
    errcode = "M_UNRECOGNIZED"


class TooLargeError(MatrixError):
    """A request or event above its size limit."""

    status = 413
    errcode = "M_TOO_LARGE"


class LimitExceededError(MatrixError):
    """Too many requests; `retry_after_ms` says when to come back."""

    status = 429
    errcode = "M_LIMIT_EXCEEDED"

    def __init__(self, retry_after_ms: int) -> None:
        """Tell the client when to come back."""
        super().__init__("Too many requests", retry_after_ms=retry_after_ms)
        self.retry_after_ms = retry_after_ms


class FinalisedError(MatrixError):
    """A delayed event was sent or cancelled, and what is asked for contradicts that."""

    status = 409


class UserDeactivatedError(MatrixError):
    """The account was deactivated."""

    status = 403
    errcode = "M_USER_DEACTIVATED"


class UnavailableError(MatrixError):
    """The server cannot do this now (storage down, worker without a lease); try again."""

    status = 503
    errcode = "M_UNKNOWN"


class OutageError(Exception):
    """What the server stands on fails for now; adapters' errors are of this kind.

    No MatrixError: its text is for the log. Clients are told 503, and try again.
    """
