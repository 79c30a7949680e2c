"""`POST /appservice/{appserviceId}/ping` ("Pinging")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from homeserver.application.ports.service_client import (
    Call,
    ServiceAwayError,
    ServiceSlowError,
)
from homeserver.domain.shared.canonical_json import encode_json
from homeserver.domain.shared.errors import ForbiddenError, MatrixError

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.service_client import ServiceClient
    from homeserver.application.requester import Requester
    from homeserver.domain.appservices.services import Services

ANSWER_SECONDS: Final = 15.0
SHOWN_BYTES: Final = 4096


class UrlNotSetError(MatrixError):
    """The service wants no traffic."""

    errcode = "M_URL_NOT_SET"


class BadStatusError(MatrixError):
    """It answered with a failure."""

    status = 502
    errcode = "M_BAD_STATUS"


class ConnectionFailedError(MatrixError):
    """It cannot be reached."""

    status = 502
    errcode = "M_CONNECTION_FAILED"


class ConnectionTimeoutError(MatrixError):
    """It did not answer in time."""

    status = 504
    errcode = "M_CONNECTION_TIMEOUT"


@dataclass(frozen=True, slots=True)
class PingService:
    """Lets a service see whether this server reaches it."""

    services: Callable[[], Services]
    client: ServiceClient
    clock: Clock

    async def __call__(
        self, requester: Requester, service_id: str, transaction_id: str | None
    ) -> int:
        """Ping; give the milliseconds that it took.

        Raises ForbiddenError for another service than the one that asks, UrlNotSetError,
        BadStatusError, ConnectionFailedError, ConnectionTimeoutError.
        """
        service = self.services().by_id.get(service_id)
        if service is None or service.id != requester.appservice:
            raise ForbiddenError("This is not the token of that application service")
        if service.url is None:
            raise UrlNotSetError("The application service has no URL")
        body = {} if transaction_id is None else {"transaction_id": transaction_id}
        call = Call("POST", "/ping", body=encode_json(body))
        began = self.clock.monotonic()
        try:
            reply = await self.client(service, call, ANSWER_SECONDS)
        except ServiceSlowError as error:
            raise ConnectionTimeoutError("The application service does not answer") from error
        except ServiceAwayError as error:
            raise ConnectionFailedError("The application service cannot be reached") from error
        if not reply.ok:
            shown = reply.body[:SHOWN_BYTES].decode(errors="replace")
            raise BadStatusError(f"Status {reply.status}", status=reply.status, body=shown)
        return round(1000 * (self.clock.monotonic() - began))
