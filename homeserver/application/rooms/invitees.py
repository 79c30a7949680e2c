"""Who can be invited at all, and whose invitations they want."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from homeserver.application.sync.ignored import ignored_by
from homeserver.application.user_data.items import GLOBAL
from homeserver.domain.rooms.invite_permission import CONFIGS, Wish, wish_about
from homeserver.domain.shared.errors import (
    ForbiddenError,
    InvalidParamError,
    InviteBlockedError,
    NotFoundError,
)
from homeserver.domain.shared.identifiers import domain_of, is_user_id

if TYPE_CHECKING:
    from homeserver.application.ports.users import Users
    from homeserver.application.requester import Requester
    from homeserver.application.user_data.account_data import AccountData
    from homeserver.application.user_data.items import UserData

_decode = msgspec.json.Decoder().decode


class CheckInvitee:
    """Refuses invitations that nobody would get."""

    def __init__(self, users: Users, account_data: AccountData) -> None:
        """Look users and their wishes up here."""
        self._users = users
        self._account_data = account_data

    async def __call__(self, requester: Requester, user_id: str) -> None:
        """Check one invitee.

        Raises InvalidParamError for what is no user id, NotFoundError for an unknown user of
        this server, InviteBlockedError for who does not want it, ForbiddenError for users of
        other servers: an invitation must be signed by the invited user's server, which only
        federation can ask for.
        """
        if not is_user_id(user_id):
            raise InvalidParamError("Not a user id")
        if domain_of(user_id) != domain_of(requester.user_id):
            raise ForbiddenError("Users of other servers cannot be invited")
        known = await self._users.exists_locally(user_id)  # an application service may make it now
        nid = await self._users.nid_of(user_id, create=False) if known else None
        if nid is None:
            raise NotFoundError(f"There is no user {user_id}")
        if wish_of(await self._account_data.of(nid), requester.user_id) is Wish.BLOCK:
            raise InviteBlockedError(f"{user_id} does not want this invitation")


def wish_of(data: UserData, inviter: str) -> Wish:
    """What the owner of account data wants of an inviter's invitations."""
    held = data.of_room(GLOBAL)
    configs = {kind: _decode(held[kind].content_json) for kind in CONFIGS if kind in held}
    return wish_about(inviter, configs, ignored=inviter in ignored_by(data))
