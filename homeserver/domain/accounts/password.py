"""The password policy (Client-Server API, "Password management")."""

from __future__ import annotations

from dataclasses import dataclass

from homeserver.domain.shared.errors import BadJsonError, InvalidParamError, MatrixError

# A cap, because the hash's work must not grow with what a stranger sends.
MAX_PASSWORD_BYTES = 512


class WeakPasswordError(MatrixError):
    """A new password that the policy refuses."""

    errcode = "M_WEAK_PASSWORD"


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """What a new password must be: `min_length` counts characters."""

    min_length: int = 8

    def check_new(self, password: object) -> str:
        """Return a password fit to be set; errors as for `check_presented`, or too weak."""
        checked = check_presented(password)
        if len(checked) < self.min_length:
            raise WeakPasswordError(f"A password must have at least {self.min_length} characters")
        return checked


def check_presented(password: object) -> str:
    """Return a password that may be hashed and compared.

    `BadJsonError` where it is no string, `InvalidParamError` above 512 bytes of UTF-8 or
    with a lone surrogate.
    """
    if not isinstance(password, str):
        raise BadJsonError("The password must be a string")
    try:
        size = len(password.encode())
    except UnicodeEncodeError as error:
        raise InvalidParamError("The password is not valid Unicode") from error
    if size > MAX_PASSWORD_BYTES:
        raise InvalidParamError(f"A password has at most {MAX_PASSWORD_BYTES} bytes")
    return password
