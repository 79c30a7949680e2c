"""The common end of everything that changes a membership: the member event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.application.rooms.compose import NewEvent, compose
from homeserver.domain.rooms.guest_access import is_open_to_guests
from homeserver.domain.rooms.member_steps import TO_UNBAN
from homeserver.domain.rooms.membership import INVITE, JOIN, KNOCK, LEAVE
from homeserver.domain.rooms.room import MEMBER
from homeserver.domain.shared.canonical_json import same_json
from homeserver.domain.shared.errors import (
    BadStateError,
    ForbiddenError,
    GuestAccessForbiddenError,
    InvalidParamError,
)
from homeserver.domain.shared.identifiers import domain_of, is_user_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.application.ports.profiles import ProfileReader
    from homeserver.application.ports.users import Users
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.draft import RoomDraft
    from homeserver.domain.rooms.member_steps import Step
    from homeserver.domain.rooms.room import Room

AUTHORISER = "join_authorised_via_users_server"
_WITH_PROFILE = frozenset({JOIN, INVITE, KNOCK})


class ChangeMember:
    """Writes a member event; who may is decided by the gates before, and the auth rules."""

    def __init__(self, users: Users, profiles: ProfileReader, writer: Writer) -> None:
        """Look targets up here."""
        self._users = users
        self._profiles = profiles
        self._writer = writer

    async def __call__(
        self,
        requester: Requester,
        room: Room,
        user_id: str,
        step: Step,
        extra: Mapping[str, Any],
        *,
        authoriser: str | None = None,
    ) -> str:
        """Take a step for `user_id`; return the id of the member event that holds then.

        `extra` is further content (`reason`, or all that a client wrote); the target's
        profile fills in what is missing of a local user. `authoriser` lets a user join a
        restricted room. Raises InvalidParamError for what is no user id, ForbiddenError
        where the step cannot be taken, and what `compose` raises.
        """
        target_nid = await self._nid(requester, user_id)
        content = await self._content(requester, user_id, target_nid, step, extra)
        if authoriser is not None:
            content[AUTHORISER] = authoriser
        new = NewEvent(MEMBER, content, state_key=user_id, target_nid=target_nid)
        is_plain = not extra.keys() - {"reason"}

        def change(draft: Draft) -> str:
            state = draft.room(room)
            _check_guest(state, requester, step)
            held = state.state(MEMBER, user_id)
            if held is not None and _holds(held, requester, content, step, is_plain=is_plain):
                return held.event_id
            _check_begin(held, step)
            return compose(draft, room, requester, new).event.event_id

        return await self._writer.submit(change)

    async def _nid(self, requester: Requester, user_id: str) -> int:
        if user_id == requester.user_id:
            return requester.user_nid
        if not is_user_id(user_id):
            raise InvalidParamError("Not a user id")
        nid = await self._users.nid_of(user_id, create=True)
        if nid is None:
            raise InvalidParamError("Nobody can have this user id")
        return nid

    async def _content(
        self,
        requester: Requester,
        user_id: str,
        target_nid: int,
        step: Step,
        extra: Mapping[str, Any],
    ) -> dict[str, Any]:
        content: dict[str, Any] = {k: v for k, v in extra.items() if k != AUTHORISER}
        content["membership"] = step.membership
        is_local = domain_of(user_id) == domain_of(requester.user_id)
        if step.membership in _WITH_PROFILE and is_local:
            profile = await self._profiles(target_nid)
            return {**profile.content(), **content}
        return content


def _holds(
    held: Event, requester: Requester, content: dict[str, Any], step: Step, *, is_plain: bool
) -> bool:
    """Whether nothing is left to do."""
    if is_plain and held.membership in step.done_in:
        return True
    return held.sender == requester.user_id and same_json(held.content, content)


def _check_guest(state: RoomDraft, requester: Requester, step: Step) -> None:
    """Guests join what is open to them, by the room as it is in this batch."""
    if requester.is_guest and step.membership == JOIN and not is_open_to_guests(state):
        raise GuestAccessForbiddenError("Guests may not join this room")


def _check_begin(held: Event | None, step: Step) -> None:
    membership = held.membership if held is not None else LEAVE
    if step.begins_in is not None and membership not in step.begins_in:
        refusal = BadStateError if step is TO_UNBAN else ForbiddenError
        raise refusal(f"Not possible for a user whose membership is {membership}")
