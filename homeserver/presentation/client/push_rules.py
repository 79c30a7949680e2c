"""Push rules (Client-Server API, "Push Rules: API")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from homeserver.application.user_data.account_data import PUSH_RULES
from homeserver.domain.push.edit_rules import Place, check_kind, check_own_id
from homeserver.domain.push.parse_rule import parse_enabled, parse_rule, parse_rule_actions
from homeserver.presentation.responses import empty_object, json_bytes, json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.push.edit_push_rules import EditPushRules
    from homeserver.application.user_data.account_data import AccountData
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

_BASE = "/_matrix/client/v3/pushrules"
_RULE = f"{_BASE}/global/{{kind}}/{{ruleId}}"


def push_rule_routes(data: AccountData, edit: EditPushRules) -> tuple[Route, ...]:
    """All rules of the requester, and each of those in the global scope."""
    return (*_whole(data), *_one(edit), *_fields(edit))


def _whole(data: AccountData) -> tuple[Route, ...]:
    async def rules(request: Request) -> bytes:
        return (await data.of(request.requester.user_nid)).items[PUSH_RULES].content_json

    async def get_rules(request: Request) -> Response:
        """All push rules of the user."""
        return json_bytes(await rules(request))

    async def get_global_rules(request: Request) -> Response:
        """The push rules of the scope `global`."""
        scopes = msgspec.json.decode(await rules(request), type=dict[str, msgspec.Raw])
        return json_bytes(bytes(scopes["global"]))

    return (
        # the specification writes both with and without the last slash
        Route("GET", f"{_BASE}/", get_rules, Auth.USER, "reads", ("r0",)),
        Route("GET", _BASE, get_rules, Auth.USER, "reads", ("r0",)),
        Route("GET", f"{_BASE}/global/", get_global_rules, Auth.USER, "reads", ("r0",)),
        Route("GET", f"{_BASE}/global", get_global_rules, Auth.USER, "reads", ("r0",)),
    )


def _one(edit: EditPushRules) -> tuple[Route, ...]:
    async def get_rule(request: Request) -> Response:
        """One push rule."""
        return json_response(await edit.get(*_name(request)))

    async def put_rule(request: Request) -> Response:
        """Add or replace a push rule of one's own."""
        user_nid, kind, rule_id = _name(request)
        check_kind(kind)
        check_own_id(rule_id)
        place = Place(request.param("before"), request.param("after"))
        rule = parse_rule(kind, rule_id, await request.json_object())
        await edit.put(user_nid, kind, rule, place)
        return empty_object()

    async def delete_rule(request: Request) -> Response:
        """Take a push rule of one's own away."""
        await edit.delete(*_name(request))
        return empty_object()

    return (
        Route("GET", _RULE, get_rule, Auth.USER, "reads", ("r0",)),
        Route("PUT", _RULE, put_rule, Auth.USER, "messages", ("r0",)),
        Route("DELETE", _RULE, delete_rule, Auth.USER, "messages", ("r0",)),
    )


def _fields(edit: EditPushRules) -> tuple[Route, ...]:
    async def get_enabled(request: Request) -> Response:
        """Whether a push rule is switched on."""
        rule = await edit.get(*_name(request))
        return json_response({"enabled": rule.get("enabled", True)})

    async def put_enabled(request: Request) -> Response:
        """Switch a push rule on or off."""
        enabled = parse_enabled(await request.json_object())
        await edit.change(*_name(request), "enabled", enabled)
        return empty_object()

    async def get_actions(request: Request) -> Response:
        """What a push rule does."""
        rule = await edit.get(*_name(request))
        return json_response({"actions": rule["actions"]})

    async def put_actions(request: Request) -> Response:
        """Set what a push rule does."""
        actions = parse_rule_actions(await request.json_object())
        await edit.change(*_name(request), "actions", actions)
        return empty_object()

    enabled, actions = f"{_RULE}/enabled", f"{_RULE}/actions"
    return (
        Route("GET", enabled, get_enabled, Auth.USER, "reads", ("r0",)),
        Route("PUT", enabled, put_enabled, Auth.USER, "messages", ("r0",)),
        Route("GET", actions, get_actions, Auth.USER, "reads", ("r0",)),
        Route("PUT", actions, put_actions, Auth.USER, "messages", ("r0",)),
    )


def _name(request: Request) -> tuple[int, str, str]:
    """Whose rule, of which kind, and which one."""
    return request.requester.user_nid, request.params["kind"], request.params["ruleId"]
