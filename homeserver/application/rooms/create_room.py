"""`POST /createRoom`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.rooms.compose import NewEvent
from homeserver.application.rooms.founding import NONCE, Founding, Site
from homeserver.domain.rooms.presets import NewState, initial_events
from homeserver.domain.rooms.room import CREATE, MEMBER
from homeserver.domain.rooms.versions import ROOM_VERSIONS
from homeserver.domain.shared.errors import (
    BadJsonError,
    InvalidParamError,
    RoomInUseError,
    UnavailableError,
    UnsupportedRoomVersionError,
)
from homeserver.domain.shared.identifiers import domain_of, is_room_alias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from homeserver.application.ports.alias_store import AliasStore
    from homeserver.application.ports.ids import Ids
    from homeserver.application.ports.profiles import ProfileReader
    from homeserver.application.ports.room_store import RoomStore
    from homeserver.application.ports.users import Users
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.invitees import CheckInvitee
    from homeserver.application.rooms.registry import RoomRegistry
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.appservices.services import Services
    from homeserver.domain.rooms.presets import CreateRoomRequest
    from homeserver.domain.rooms.versions import RoomVersion


@dataclass(frozen=True, slots=True)
class _Plan:
    """Everything known before the batch: it may be computed several times."""

    site: Site
    events: Sequence[NewEvent]
    alias: str | None
    published: bool


@dataclass(frozen=True, slots=True)
class CreateRoom:
    """Makes a room with all its first events, or nothing.

    `new_nid` gives internal ids; `default_version` is for requests that name no version.
    """

    writer: Writer
    store: RoomStore
    registry: RoomRegistry
    aliases: AliasStore
    users: Users
    check_invitee: CheckInvitee
    profiles: ProfileReader
    ids: Ids
    new_nid: Callable[[], int]
    default_version: Callable[[], str]
    services: Callable[[], Services]

    async def __call__(
        self, requester: Requester, request: CreateRoomRequest, room_version: str | None = None
    ) -> str:
        """Return the id of the new room.

        Raises UnsupportedRoomVersionError, BadJsonError, InvalidParamError,
        InvalidRoomStateError, RoomInUseError, ExclusiveError, and for invitations what `CheckInvitee`
        does.
        """
        version = self._version(room_version)
        _refuse_reserved(request)
        alias = await self._alias(requester, request.room_alias_name)
        states = initial_events(version, requester.user_id, request)
        for user_id in request.invite:
            await self.check_invitee(requester, user_id)
        plan = _Plan(
            site=Site(
                version,
                self.new_nid(),
                f"!{self.ids.opaque_id()}:{domain_of(requester.user_id)}",
            ),
            events=[await self._event(requester, version, state) for state in states],
            alias=alias,
            published=request.visibility == "public",
        )
        taken = RoomInUseError("Room alias already taken")
        return await self.writer.submit(
            lambda draft: self._make(draft, requester, plan),
            conflict=taken if alias else UnavailableError("Try again"),
        )

    def _version(self, asked: str | None) -> RoomVersion:
        version = ROOM_VERSIONS.get(self.default_version() if asked is None else asked)
        if version is None:
            raise UnsupportedRoomVersionError("This server does not create such rooms")
        return version

    async def _alias(self, requester: Requester, name: str | None) -> str | None:
        if name is None:
            return None
        alias = f"#{name}:{domain_of(requester.user_id)}"
        if not name or ":" in name or any(map(str.isspace, name)) or not is_room_alias(alias):
            raise InvalidParamError("room_alias_name cannot be part of an alias")
        self.services().check_alias(alias, requester.appservice)
        if await self.aliases.find(alias) is not None:
            raise RoomInUseError("Room alias already taken")
        return alias

    async def _event(self, requester: Requester, version: RoomVersion, state: NewState) -> NewEvent:
        """Complete a state event: profiles and internal ids of members, entropy of v12."""
        content = dict(state.content)
        if state.type == CREATE[0] and version.room_id_is_create_hash:
            content[NONCE] = self.ids.opaque_id()
        if state.type != MEMBER:
            return NewEvent(state.type, content, state.state_key)
        nid = await self._nid(requester, state.state_key)
        profile = await self.profiles(nid)
        return NewEvent(MEMBER, {**profile.content(), **content}, state.state_key, target_nid=nid)

    async def _nid(self, requester: Requester, user_id: str) -> int:
        if user_id == requester.user_id:
            return requester.user_nid
        nid = await self.users.nid_of(user_id, create=True)
        if nid is None:
            raise InvalidParamError("Nobody can have this user id")
        return nid

    def _make(self, draft: Draft, requester: Requester, plan: _Plan) -> str:
        room = Founding(self.store, self.registry)(draft, requester, plan.site, plan.events)
        if plan.published:
            draft.room(room).published = True
        if plan.alias is not None:
            self.aliases.add(draft, plan.alias, room.nid, requester.user_nid)
        return room.room_id


def _refuse_reserved(request: CreateRoomRequest) -> None:
    """Members and the create event come from other parts of the request."""
    if any(state.type in (CREATE[0], MEMBER) for state in request.initial_state):
        raise BadJsonError("initial_state cannot hold members or the create event")
