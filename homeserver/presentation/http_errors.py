"""Refusals that only HTTP knows; everything else is in the domain's taxonomy."""

from __future__ import annotations

from homeserver.domain.shared.errors import MatrixError, UnrecognizedError


class MethodNotAllowedError(UnrecognizedError):
    """A known path with a method that it does not have; `allowed` goes into `Allow`."""

    status = 405

    def __init__(self, allowed: tuple[str, ...]) -> None:
        """Keep the methods that the path has."""
        super().__init__("Method not allowed on this path")
        self.allowed = allowed


class MalformedRequestError(MatrixError):
    """A request that HTTP itself forbids (broken chunks, broken percent-encoding)."""


class RequestTimedOutError(MatrixError):
    """A body that did not arrive in time."""

    status = 408


class UnsupportedEncodingError(MatrixError):
    """A `Content-Encoding` that this server does not read."""

    status = 415
