"""Refusals that only keys know."""

from __future__ import annotations

from homeserver.domain.shared.errors import MatrixError


class InvalidSignatureError(MatrixError):
    """A signature that is missing where one is due, or was not made by its key."""

    errcode = "M_INVALID_SIGNATURE"
