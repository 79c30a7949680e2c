"""Profiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.domain.accounts.profile import check_field_name
from homeserver.domain.shared.errors import MissingParamError
from homeserver.presentation.responses import empty_object, json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.accounts.change_profile import ChangeProfile
    from homeserver.application.accounts.read_profile import ReadProfile
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response


@dataclass(frozen=True, slots=True)
class ProfileCases:
    """The use cases behind these endpoints."""

    read: ReadProfile
    change: ChangeProfile


def profile_routes(cases: ProfileCases) -> tuple[Route, ...]:
    """`/profile/{userId}` and its fields."""

    async def get_profile(request: Request) -> Response:
        """A user's whole profile."""
        return json_response(await cases.read(request.params["userId"]))

    async def get_field(request: Request) -> Response:
        """One field of a user's profile."""
        name = check_field_name(request.params["keyName"])
        return json_response({name: await cases.read.field(request.params["userId"], name)})

    async def put_field(request: Request) -> Response:
        """Set a field of one's profile."""
        name = check_field_name(request.params["keyName"])
        body = await request.json_object()
        if name not in body:
            raise MissingParamError(f"{name} is missing")
        await cases.change(request.requester, request.params["userId"], name, body[name])
        return empty_object()

    async def delete_field(request: Request) -> Response:
        """Remove a field of one's profile."""
        user_id, name = request.params["userId"], request.params["keyName"]
        await cases.change.remove(request.requester, user_id, name)
        return empty_object()

    whole = "/_matrix/client/v3/profile/{userId}"
    field = f"{whole}/{{keyName}}"
    return (
        Route("GET", whole, get_profile, Auth.NONE, "reads", ("r0",)),
        Route("GET", field, get_field, Auth.NONE, "reads", ("r0",)),
        Route("PUT", field, put_field, Auth.GUEST, "profile", ("r0",)),
        Route("DELETE", field, delete_field, Auth.GUEST, "profile"),
    )
