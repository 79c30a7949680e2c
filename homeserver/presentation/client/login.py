"""Logging in and out, and new tokens for old."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from homeserver.application.accounts.open_session import LoginWish
from homeserver.application.appservices.service_accounts import APPLICATION_SERVICE
from homeserver.domain.accounts.device import check_device_id, check_device_name
from homeserver.domain.shared.errors import (
    ForbiddenError,
    MatrixError,
    MissingParamError,
    UnknownTokenError,
)
from homeserver.presentation.client.fields import flag, object_of, required_text, text
from homeserver.presentation.middleware.authentication import asking_service
from homeserver.presentation.middleware.rate_limits import client_address, client_key
from homeserver.presentation.responses import empty_object, json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.accounts.log_in import LogIn
    from homeserver.application.accounts.log_out import LogOut
    from homeserver.application.accounts.open_session import Session
    from homeserver.application.accounts.refresh_session import RefreshSession
    from homeserver.application.appservices.service_accounts import ServiceAccounts
    from homeserver.application.requester import Requester
    from homeserver.domain.shared.json import JsonObject
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

PASSWORD = "m.login.password"  # noqa: S105 (the name of a login type)


@dataclass(frozen=True, slots=True)
class LoginCases:
    """The use cases behind these endpoints; `base_url` goes into `well_known` unless empty."""

    log_in: LogIn
    log_out: LogOut
    refresh: RefreshSession
    of_services: ServiceAccounts
    server_name: str
    base_url: str = ""


def login_routes(cases: LoginCases) -> tuple[Route, ...]:
    """`/login`, `/refresh`, `/logout`, `/logout/all`."""

    async def get_login(_request: Request) -> Response:
        """The ways to log in."""
        kinds = [PASSWORD, *([APPLICATION_SERVICE] if cases.of_services.services() else [])]
        return json_response({"flows": [{"type": kind} for kind in kinds]})

    async def post_login(request: Request) -> Response:
        """Log in with a password, or as a user of one's application service."""
        session = await _open_session(cases, request)
        answer = session_body(session, cases.server_name)
        if cases.base_url:
            answer["well_known"] = {"m.homeserver": {"base_url": cases.base_url}}
        return json_response(answer)

    async def post_refresh(request: Request) -> Response:
        """Get new tokens for a refresh token."""
        body = await request.json_object()
        return json_response((await cases.refresh(required_text(body, "refresh_token"))).body)

    async def post_logout(request: Request) -> Response:
        """End this session and remove its device."""
        await cases.log_out(request.requester)
        return empty_object()

    async def post_logout_all(request: Request) -> Response:
        """End all sessions and remove all devices."""
        await cases.log_out(request.requester, everywhere=True)
        return empty_object()

    v3 = "/_matrix/client/v3"
    return (
        Route("GET", f"{v3}/login", get_login, Auth.NONE, "reads", ("r0",)),
        Route("POST", f"{v3}/login", post_login, Auth.DOOR, "login", ("r0",)),
        Route("POST", f"{v3}/refresh", post_refresh, Auth.NONE, "devices"),
        Route("POST", f"{v3}/logout", post_logout, Auth.LOGOUT, "devices", ("r0",)),
        Route("POST", f"{v3}/logout/all", post_logout_all, Auth.LOGOUT, "devices", ("r0",)),
    )


async def _open_session(cases: LoginCases, request: Request) -> Session:
    body = await request.json_object()
    kind = required_text(body, "type")
    if kind == APPLICATION_SERVICE:
        service, wish = _service_of(request), login_wish(request, body)
        return await cases.of_services.log_in(service, login_user(body), wish)
    if kind != PASSWORD:
        raise MatrixError("This server only knows m.login.password")
    user, password = login_user(body), body.get("password")
    if password is None:
        raise MissingParamError("password is missing")
    return await cases.log_in(user, password, login_wish(request, body), client_key(request))


def _service_of(request: Request) -> Requester:
    """Give the asking service; a wrong token is M_FORBIDDEN here ("Appservice Login")."""
    try:
        return asking_service(request)
    except UnknownTokenError as error:
        raise ForbiddenError(error.message) from None


def login_user(body: JsonObject) -> str:
    """Whom a body of `/login` names: `identifier`, or `user` as in older clients."""
    identifier = object_of(body, "identifier")
    if not identifier:
        return required_text(body, "user")
    kind = required_text(identifier, "type")
    if kind in {"m.id.thirdparty", "m.id.phone"}:
        raise ForbiddenError("Accounts of this server have no addresses or numbers")
    if kind != "m.id.user":
        raise MatrixError("This server does not know this type of identifier")
    return required_text(identifier, "user")


def login_wish(request: Request, body: JsonObject) -> LoginWish:
    """What a body of `/login` or `/register` says of the new session."""
    device_id = body.get("device_id")
    name = text(body, "initial_device_display_name")
    address = client_address(request)
    return LoginWish(
        device_id=None if device_id is None else check_device_id(device_id),
        display_name=None if name is None else check_device_name(name),
        refreshable=flag(body, "refresh_token"),
        ip=None if address is None else str(address),
    )


def session_body(session: Session, server_name: str) -> dict[str, Any]:
    """What a client learns of its new session."""
    return {
        "user_id": session.user_id,
        "device_id": session.device_id,
        "home_server": server_name,
        **session.tokens.body,
    }
