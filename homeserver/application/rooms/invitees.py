"""Who can be invited at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import ForbiddenError, InvalidParamError, NotFoundError
from homeserver.domain.shared.identifiers import domain_of, is_user_id

if TYPE_CHECKING:
    from homeserver.application.ports.users import Users
    from homeserver.application.requester import Requester


async def check_invitee(users: Users, requester: Requester, user_id: str) -> None:
    """Refuse whom no invitation would reach.

    Raises InvalidParamError for what is no user id, NotFoundError for an unknown user of
    this server, ForbiddenError for users of other servers: an invitation must be signed by
    the invited user's server, which only federation can ask for.
    """
    if not is_user_id(user_id):
        raise InvalidParamError("Not a user id")
    if domain_of(user_id) != domain_of(requester.user_id):
        raise ForbiddenError("Users of other servers cannot be invited")
    if not await users.exists_locally(user_id):
        raise NotFoundError(f"There is no user {user_id}")
