"""Requests that need user-interactive authentication."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.accounts.interactive_auth import UiaCall
from homeserver.domain.accounts.uia import Binding, body_digest

if TYPE_CHECKING:
    from homeserver.domain.shared.json import JsonObject
    from homeserver.presentation.request import Request


def uia_call(request: Request, body: JsonObject) -> UiaCall:
    """What a request asks to be authorised: its route and path variables, requester, body."""
    who = request.requester_if_any
    place = "/".join([request.method, request.label, *request.params.values()])
    binding = Binding(place, None if who is None else who.user_id, body_digest(body))
    return UiaCall(binding, body.get("auth"))
