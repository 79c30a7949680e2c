"""Requests that need user-interactive authentication, and the gate for logging out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.accounts.interactive_auth import UiaCall
from homeserver.domain.accounts.uia import Binding, body_digest
from homeserver.domain.shared.errors import MissingTokenError
from homeserver.presentation.middleware.authentication import access_token

if TYPE_CHECKING:
    from homeserver.application.accounts.authenticate import Authenticate
    from homeserver.domain.shared.json import JsonObject
    from homeserver.presentation.middleware.authentication import Gate
    from homeserver.presentation.request import Request


def uia_call(request: Request, body: JsonObject) -> UiaCall:
    """What a request asks to be authorised: its route and path variables, requester, body."""
    who = request.requester_if_any
    place = "/".join([request.method, request.label, *request.params.values()])
    binding = Binding(place, None if who is None else who.user_id, body_digest(body))
    return UiaCall(binding, body.get("auth"))


def logout_gate(authenticate: Authenticate) -> Gate:
    """The gate of `Auth.LOGOUT`: any good token, also of a locked account."""

    async def gate(request: Request) -> None:
        token = access_token(request)
        if token is None:
            raise MissingTokenError("Missing access token")
        request.requester = await authenticate.authenticate_to_log_out(token)

    return gate
