"""One's own account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from homeserver.domain.shared.errors import MissingParamError
from homeserver.presentation.client.fields import flag
from homeserver.presentation.client.uia import uia_call
from homeserver.presentation.middleware.rate_limits import client_key
from homeserver.presentation.responses import empty_object, json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.accounts.change_password import ChangePassword
    from homeserver.application.accounts.deactivate_account import DeactivateAccount
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response


@dataclass(frozen=True, slots=True)
class AccountCases:
    """The use cases behind these endpoints."""

    change_password: ChangePassword
    deactivate: DeactivateAccount


def account_routes(cases: AccountCases) -> tuple[Route, ...]:
    """`/account/…`."""

    async def get_whoami(request: Request) -> Response:
        """Whose access token this is."""
        who = request.requester
        answer: dict[str, Any] = {"user_id": who.user_id, "is_guest": who.is_guest}
        if who.device_id is not None:
            answer["device_id"] = who.device_id
        return json_response(answer)

    async def post_password(request: Request) -> Response:
        """Change one's password."""
        body = await request.json_object()
        if "new_password" not in body:
            raise MissingParamError("new_password is missing")
        await cases.change_password(
            request.requester,
            body["new_password"],
            uia_call(request, body),
            client_key(request),
            logout_devices=flag(body, "logout_devices", default=True),
        )
        return empty_object()

    async def post_deactivate(request: Request) -> Response:
        """End one's account for ever."""
        body = await request.json_object()
        await cases.deactivate(request.requester, uia_call(request, body), client_key(request))
        return json_response({"id_server_unbind_result": "success"})

    async def get_third_party_ids(_request: Request) -> Response:
        """E-mail addresses and numbers of one's account: always none."""
        return json_response({"threepids": []})

    v3 = "/_matrix/client/v3/account"
    return (
        Route("GET", f"{v3}/whoami", get_whoami, Auth.GUEST, "reads", ("r0",)),
        Route("POST", f"{v3}/password", post_password, Auth.USER, "login", ("r0",)),
        Route("POST", f"{v3}/deactivate", post_deactivate, Auth.USER, "login", ("r0",)),
        Route("GET", f"{v3}/3pid", get_third_party_ids, Auth.USER, "reads", ("r0",)),
    )
