"""Registration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.accounts.register import NewAccount
from homeserver.application.appservices.service_accounts import APPLICATION_SERVICE
from homeserver.presentation.client.fields import flag, text
from homeserver.presentation.client.login import login_wish, session_body
from homeserver.presentation.client.uia import uia_call
from homeserver.presentation.middleware.authentication import asking_service
from homeserver.presentation.responses import json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.accounts.name_available import NameAvailable
    from homeserver.application.accounts.register import Register
    from homeserver.application.accounts.register_guest import RegisterGuest
    from homeserver.application.accounts.registration_policy import RegistrationPolicy
    from homeserver.application.appservices.service_accounts import ServiceAccounts
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response


@dataclass(frozen=True, slots=True)
class RegisterCases:
    """The use cases behind these endpoints."""

    register: Register
    register_guest: RegisterGuest
    name_available: NameAvailable
    policy: RegistrationPolicy
    of_services: ServiceAccounts
    server_name: str


def register_routes(cases: RegisterCases) -> tuple[Route, ...]:
    """`/register`, whether a name is free, whether a token is valid."""

    async def post_register(request: Request) -> Response:
        """Make an account."""
        if request.choice("kind", ("guest", "user"), "user") == "guest":
            return await post_guest(request)
        body = await request.json_object()
        login = None if flag(body, "inhibit_login") else login_wish(request, body)
        name = text(body, "username")
        if body.get("type") == APPLICATION_SERVICE:
            user_id, session = await cases.of_services.register(
                asking_service(request), name, login
            )
        else:
            wish = NewAccount(
                username=name,
                password=body.get("password"),
                login=login,
                guest_token=text(body, "guest_access_token"),
            )
            user_id, session = await cases.register(wish, uia_call(request, body))
        if session is None:
            return json_response({"user_id": user_id, "home_server": cases.server_name})
        return json_response(session_body(session, cases.server_name))

    async def post_guest(request: Request) -> Response:
        """Make a guest's account: all of the body but the device's name is ignored (spec)."""
        body = await request.json_object(optional=True)
        name = body.get("initial_device_display_name")
        known = {} if name is None else {"initial_device_display_name": name}
        session = await cases.register_guest(login_wish(request, known))
        return json_response(session_body(session, cases.server_name))

    async def get_available(request: Request) -> Response:
        """Whether a user name is free."""
        await cases.name_available(request.required_param("username"))
        return json_response({"available": True})

    async def get_token_validity(request: Request) -> Response:
        """Whether a registration token is good."""
        token = request.required_param("token")
        await cases.policy.requirement()
        return json_response({"valid": await cases.policy.is_valid(token)})

    v3 = "/_matrix/client/v3/register"
    validity = "/_matrix/client/v1/register/m.login.registration_token/validity"
    return (
        Route("POST", v3, post_register, Auth.DOOR, "registration", ("r0",)),
        Route("GET", f"{v3}/available", get_available, Auth.NONE, "reads", ("r0",)),
        Route("GET", validity, get_token_validity, Auth.NONE, "registration"),
    )
