"""Push rules, to be read (Client-Server API, "Push Rules: API")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from homeserver.application.user_data.account_data import PUSH_RULES
from homeserver.presentation.responses import json_bytes
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.user_data.account_data import AccountData
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response


def push_rule_routes(data: AccountData) -> tuple[Route, ...]:
    """All rules of the requester, and those of the global scope."""

    async def rules(request: Request) -> bytes:
        return (await data.of(request.requester.user_nid)).items[PUSH_RULES].content_json

    async def get_rules(request: Request) -> Response:
        """All push rules of the user."""
        return json_bytes(await rules(request))

    async def get_global_rules(request: Request) -> Response:
        """The push rules of the scope `global`."""
        scopes = msgspec.json.decode(await rules(request), type=dict[str, msgspec.Raw])
        return json_bytes(bytes(scopes["global"]))

    base = "/_matrix/client/v3/pushrules"
    return (
        # the specification writes both with and without the last slash
        Route("GET", f"{base}/", get_rules, Auth.USER, "reads", ("r0",)),
        Route("GET", base, get_rules, Auth.USER, "reads", ("r0",)),
        Route("GET", f"{base}/global/", get_global_rules, Auth.USER, "reads", ("r0",)),
        Route("GET", f"{base}/global", get_global_rules, Auth.USER, "reads", ("r0",)),
    )
