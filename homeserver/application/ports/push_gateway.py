"""Push gateways: servers elsewhere that wake phones."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Answer(NamedTuple):
    """What a gateway said: HTTP status, the pushkeys that it rejects, and `Retry-After` (s)."""

    status: int
    rejected: frozenset[str] = frozenset()
    retry_after: float = 0.0


class GatewayError(Exception):
    """There was no answer: the text says why, in one line without secrets."""


class ForbiddenGatewayError(GatewayError):
    """Nobody may be pushed to at this address: it is private, or not encrypted."""


class PushGateway(Protocol):
    """Talks to gateways."""

    async def notify(self, url: str, body: bytes) -> Answer:
        """Make one request. Raises GatewayError.

        It takes 10 s at most, follows no redirection, and reads no more than 64 KiB.
        """
        ...
