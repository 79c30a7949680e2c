"""Joining, knocking, leaving, forgetting, inviting, kicking, banning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from homeserver.application.rooms.redeem_invitation import Proof
from homeserver.domain.shared.canonical_json import check_canonical
from homeserver.domain.shared.errors import ServerNotTrustedError
from homeserver.presentation.client.fields import object_of, required_text, text
from homeserver.presentation.responses import empty_object, json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from homeserver.application.requester import Requester
    from homeserver.application.rooms.forget_room import ForgetRoom
    from homeserver.application.rooms.redeem_invitation import RedeemInvitation
    from homeserver.application.rooms.resolve_alias import ResolveAlias
    from homeserver.application.rooms.set_member import SetMember
    from homeserver.domain.shared.json import JsonObject
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response
    from homeserver.presentation.routing import Handler

    Own = Callable[[Requester, str, Mapping[str, Any]], Awaitable[str]]
    OnTarget = Callable[[Requester, str, str, Mapping[str, Any]], Awaitable[str]]

_CLIENT = "/_matrix/client/v3"
_ROOM = f"{_CLIENT}/rooms/{{roomId}}"
NO_IDENTITY_SERVER = "This server asks no identity servers: invite users by their ids"


@dataclass(frozen=True, slots=True)
class MembershipCases:
    """The use cases behind these routes."""

    members: SetMember
    redeem: RedeemInvitation
    forget: ForgetRoom
    resolve: ResolveAlias


def membership_routes(cases: MembershipCases) -> tuple[Route, ...]:
    """All routes that change a membership, in the order of the specification."""
    members, r0 = cases.members, ("r0",)
    join, knock = _joining(cases), _entering(cases, members.knock)
    rows = (
        (
            "invite",
            _on_target(members.invite, _refuse_address),
            Auth.USER,
            "invites",
            "Invite a user",
        ),
        ("join", join, Auth.GUEST, "joins", "Join a room by id"),
        ("leave", _leaving(members.leave), Auth.GUEST, "joins", "Leave a room or decline it"),
        ("forget", _forgetting(cases.forget), Auth.USER, "joins", "Forget a room that one left"),
        ("kick", _on_target(members.kick), Auth.USER, "invites", "Remove a user from a room"),
        ("ban", _on_target(members.ban), Auth.USER, "invites", "Ban a user from a room"),
        ("unban", _on_target(members.unban), Auth.USER, "invites", "Lift a ban"),
    )
    on_room = [
        Route("POST", f"{_ROOM}/{name}", handler, auth, limit, r0, doc)
        for name, handler, auth, limit, doc in rows
    ]
    by_either = (
        ("join", join, Auth.GUEST, "Join a room by id or alias"),
        ("knock", knock, Auth.USER, "Ask to be let into a room"),
    )
    entering = [
        Route("POST", f"{_CLIENT}/{name}/{{roomId}}", handler, auth, "joins", r0, doc)
        for name, handler, auth, doc in by_either
    ]
    return (*on_room, *entering)


def _reason(body: JsonObject) -> dict[str, Any]:
    reason = text(body, "reason")
    return {} if reason is None else {"reason": reason}


def _joining(cases: MembershipCases) -> Handler:
    async def post_join(request: Request) -> Response:
        body = await request.json_object(optional=True)
        proof, extra = _proof(body), _reason(body)
        room_id = await cases.resolve.either(request.params["roomId"])
        if proof is not None:
            await cases.redeem(request.requester, room_id, proof)
        await cases.members.join(request.requester, room_id, extra)
        return json_response({"room_id": room_id})

    return post_join


def _proof(body: JsonObject) -> Proof | None:
    """The proof of who is behind an address, where the body has one."""
    signed = object_of(body, "third_party_signed")
    if not signed:
        return None
    check_canonical(signed)
    object_of(signed, "signatures")
    sender, mxid, token = (required_text(signed, name) for name in ("sender", "mxid", "token"))
    return Proof(sender, mxid, token, signed)


def _entering(cases: MembershipCases, enter: Own) -> Handler:
    async def post_entering(request: Request) -> Response:
        extra = _reason(await request.json_object(optional=True))
        room_id = await cases.resolve.either(request.params["roomId"])
        await enter(request.requester, room_id, extra)
        return json_response({"room_id": room_id})

    return post_entering


def _leaving(leave: Own) -> Handler:
    async def post_leave(request: Request) -> Response:
        extra = _reason(await request.json_object(optional=True))
        await leave(request.requester, request.params["roomId"], extra)
        return empty_object()

    return post_leave


def _forgetting(forget: ForgetRoom) -> Handler:
    async def post_forget(request: Request) -> Response:
        await request.json_object(optional=True)
        await forget(request.requester, request.params["roomId"])
        return empty_object()

    return post_forget


def _on_target(act: OnTarget, check: Callable[[JsonObject], None] | None = None) -> Handler:
    async def post_on_target(request: Request) -> Response:
        body = await request.json_object()
        if check is not None:
            check(body)
        user_id = required_text(body, "user_id")
        await act(request.requester, request.params["roomId"], user_id, _reason(body))
        return empty_object()

    return post_on_target


def _refuse_address(body: JsonObject) -> None:
    """No identity server is asked who is behind an address."""
    if "user_id" not in body and "address" in body:
        for name in ("id_server", "id_access_token", "medium", "address"):
            required_text(body, name)
        raise ServerNotTrustedError(NO_IDENTITY_SERVER)
