"""`POST /rooms/{roomId}/upgrade`: a room is replaced by one of another version."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from homeserver.application.rooms.aliases import CANONICAL_ALIAS, keep_aliases
from homeserver.application.rooms.compose import NewEvent, compose
from homeserver.application.rooms.founding import NONCE, Site
from homeserver.domain.rooms.replacement import OldRoom, closed_levels, replacement_events
from homeserver.domain.rooms.room import CREATE, MEMBER, POWER_LEVELS
from homeserver.domain.rooms.versions import ROOM_VERSIONS
from homeserver.domain.shared.errors import (
    ForbiddenError,
    InvalidParamError,
    UnsupportedRoomVersionError,
)
from homeserver.domain.shared.identifiers import domain_of, is_user_id

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.alias_store import AliasStore
    from homeserver.application.ports.directory_store import DirectoryStore
    from homeserver.application.ports.ids import Ids
    from homeserver.application.ports.profiles import MemberProfile, ProfileReader
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.founding import Founding
    from homeserver.application.user_data.carry_settings import CarrySettings
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.rooms.presets import NewState
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.versions import RoomVersion

TOMBSTONE = ("m.room.tombstone", "")
_SAYS = "This room has been replaced"


@dataclass(frozen=True, slots=True)
class _Plan:
    """Everything known before the batch: it may be computed several times."""

    old: Room
    site: Site
    additional_creators: tuple[str, ...]
    nonce: str
    profile: MemberProfile
    aliases: Collection[str]
    published: bool


@dataclass(frozen=True, slots=True)
class UpgradeRoom:
    """Makes the replacement, closes the old room, and moves its names: all in one batch, or nothing."""

    access: RoomAccess
    writer: Writer
    found: Founding
    aliases: AliasStore
    directory: DirectoryStore
    profiles: ProfileReader
    ids: Ids
    new_nid: Callable[[], int]
    carry: CarrySettings

    async def __call__(
        self,
        requester: Requester,
        room_id: str,
        version_id: str,
        additional_creators: tuple[str, ...],
    ) -> str:
        """Return the id of the new room.

        Who may send `m.room.tombstone` may do it. `additional_creators` count for versions that
        have them. Raises UnsupportedRoomVersionError, InvalidParamError, ForbiddenError.
        """
        version = _version(version_id, additional_creators)
        room = await self.access.for_members(requester, room_id)
        server_name = domain_of(requester.user_id)
        plan = _Plan(
            old=room,
            site=Site(version, self.new_nid(), f"!{self.ids.opaque_id()}:{server_name}"),
            additional_creators=additional_creators,
            nonce=self.ids.opaque_id(),
            profile=await self.profiles(requester.user_nid),
            aliases=frozenset(await self.aliases.of_room(room.nid)),
            published=await self.directory.is_published(room.nid),
        )
        new = await self.writer.submit(lambda draft: self._upgrade(draft, requester, plan))
        await self.carry(requester, new)
        return new.room_id

    def _upgrade(self, draft: Draft, requester: Requester, plan: _Plan) -> Room:
        state = draft.room(plan.old)
        levels = state.levels
        if levels is None or not levels.may_send(requester.user_id, TOMBSTONE[0], is_state=True):
            raise ForbiddenError("You cannot upgrade this room")
        old = OldRoom(plan.old.version, state.current())
        if plan.site.version.room_id_is_create_hash:
            # the new id is known only when the create event is made, so that names what was last
            new = self._found(draft, requester, plan, old, state.head.extremities[-1])
            _bury(draft, requester, plan.old, new.room_id)
        else:
            tombstone = _bury(draft, requester, plan.old, plan.site.opaque_id)
            new = self._found(draft, requester, plan, old, tombstone)
        self._move_names(draft, requester, plan, old, new)
        _close(draft, requester, plan.old, old)
        return new

    def _found(
        self, draft: Draft, requester: Requester, plan: _Plan, old: OldRoom, last: str
    ) -> Room:
        states = replacement_events(
            old,
            plan.site.version,
            requester.user_id,
            plan.additional_creators,
            {"room_id": plan.old.room_id, "event_id": last},
        )
        events = [_completed(requester, plan, state) for state in states]
        return self.found(draft, requester, plan.site, events)

    def _move_names(
        self, draft: Draft, requester: Requester, plan: _Plan, old: OldRoom, new: Room
    ) -> None:
        """Move local aliases, the canonical one too, and the place in the directory."""
        self.aliases.move(draft, plan.old.nid, new.nid)
        named = dict(old.content(CANONICAL_ALIAS))

        def moves(alias: object) -> bool:
            return isinstance(alias, str) and alias in plan.aliases

        moved = keep_aliases(named, moves)
        if moved.get("alias") or moved.get("alt_aliases"):
            _set(draft, requester, new, CANONICAL_ALIAS, moved)
            left = keep_aliases(named, lambda alias: not moves(alias))
            with suppress(ForbiddenError):  # the aliases have moved all the same
                _set(draft, requester, plan.old, CANONICAL_ALIAS, left)
        if plan.published:
            draft.room(plan.old).published = False
            draft.room(new).published = True


def _version(version_id: str, additional_creators: tuple[str, ...]) -> RoomVersion:
    version = ROOM_VERSIONS.get(version_id)
    if version is None:
        raise UnsupportedRoomVersionError("This server does not support that room version")
    if version.privileged_creators and not all(map(is_user_id, additional_creators)):
        raise InvalidParamError("additional_creators must be user ids")
    return version


def _completed(requester: Requester, plan: _Plan, state: NewState) -> NewEvent:
    """Add what only the server knows: entropy of v12, the profile and internal id of the maker."""
    content = dict(state.content)
    if state.type == MEMBER:
        content = {**plan.profile.content(), **content}
        return NewEvent(MEMBER, content, state.state_key, target_nid=requester.user_nid)
    if state.key == CREATE and plan.site.version.room_id_is_create_hash:
        content[NONCE] = plan.nonce
    return NewEvent(state.type, content, state.state_key)


def _bury(draft: Draft, requester: Requester, room: Room, replacement: str) -> str:
    content = {"body": _SAYS, "replacement_room": replacement}
    return _set(draft, requester, room, TOMBSTONE, content)


def _close(draft: Draft, requester: Requester, room: Room, old: OldRoom) -> None:
    """Keep ordinary members from writing to the old room and from inviting, if possible."""
    levels = closed_levels(old)
    if levels is not None:
        with suppress(ForbiddenError):  # whoever may bury a room need not rule over its levels
            _set(draft, requester, room, POWER_LEVELS, levels)


def _set(
    draft: Draft, requester: Requester, room: Room, key: tuple[str, str], content: dict[str, Any]
) -> str:
    return compose(draft, room, requester, NewEvent(key[0], content, key[1])).event.event_id
