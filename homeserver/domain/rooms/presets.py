"""The events that a new room begins with (client-server API, `POST /createRoom`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from homeserver.domain.events.event import Event
from homeserver.domain.rooms.auth.check import check_auth
from homeserver.domain.rooms.power_levels import CREATOR_LEVEL_WITHOUT_EVENT, DEFAULT_LEVELS
from homeserver.domain.shared.errors import BadJsonError, InvalidRoomStateError
from homeserver.domain.shared.identifiers import domain_of, is_user_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from homeserver.domain.rooms.auth.state import StateKey
    from homeserver.domain.rooms.versions import RoomVersion
    from homeserver.domain.shared.json import Json, JsonObject

PRIVATE_CHAT: Final = "private_chat"
TRUSTED_PRIVATE_CHAT: Final = "trusted_private_chat"
PUBLIC_CHAT: Final = "public_chat"

# preset: join rule, history visibility, guest access
_PRESETS: Final[Mapping[str, tuple[str, str, str]]] = {
    PRIVATE_CHAT: ("invite", "shared", "can_join"),
    TRUSTED_PRIVATE_CHAT: ("invite", "shared", "can_join"),
    PUBLIC_CHAT: ("public", "shared", "forbidden"),
}
_EVENT_LEVELS: Final[Mapping[str, int]] = {
    "m.room.avatar": 50,
    "m.room.canonical_alias": 50,
    "m.room.encryption": 100,
    "m.room.history_visibility": 100,
    "m.room.name": 50,
    "m.room.power_levels": 100,
    "m.room.server_acl": 100,
    "m.room.tombstone": 100,
}
_TOMBSTONE_LEVEL_BELOW_CREATORS: Final = 150
_LEVEL_MAPS: Final = ("users", "events", "notifications")


@dataclass(frozen=True, slots=True)
class NewState:
    """A state event to be."""

    type: str
    state_key: str
    content: JsonObject

    @property
    def key(self) -> StateKey:
        """The place of this event in the room's state."""
        return self.type, self.state_key


@dataclass(frozen=True, slots=True)
class CreateRoomRequest:
    """What a client asks for in `POST /createRoom`, as far as the first events depend on it."""

    preset: str | None = None
    visibility: str = "private"
    name: str | None = None
    topic: str | None = None
    invite: tuple[str, ...] = ()
    initial_state: tuple[NewState, ...] = ()
    is_direct: bool = False
    creation_content: JsonObject = field(default_factory=dict)
    power_level_content_override: JsonObject = field(default_factory=dict)
    room_alias_name: str | None = None

    @property
    def effective_preset(self) -> str:
        """The preset asked for, or the one that the visibility implies."""
        return self.preset or (PUBLIC_CHAT if self.visibility == "public" else PRIVATE_CHAT)


def initial_events(
    version: RoomVersion,
    creator: str,
    request: CreateRoomRequest,
) -> list[NewState]:
    """Return the first state events of the room, in the order of the specification.

    Raises BadJsonError for a request of the wrong shape, InvalidRoomStateError where the
    room's own rules would refuse one of the events.
    """
    _check_shape(version, request)
    states = [
        NewState("m.room.create", "", _create_content(version, creator, request)),
        NewState("m.room.member", creator, {"membership": "join"}),
        NewState("m.room.power_levels", "", _power_levels(version, creator, request)),
        *_canonical_alias(creator, request),
        *_preset_and_initial_state(request),
        *_name_and_topic(request),
        *_invites(request),
    ]
    _refuse_unauthorised(version, creator, states)
    return states


def default_power_levels(version: RoomVersion, creator: str) -> dict[str, Json]:
    """Return the levels of a new room: in version 12 without the creators, who stand above."""
    events = dict(_EVENT_LEVELS)
    if version.privileged_creators:
        events["m.room.tombstone"] = _TOMBSTONE_LEVEL_BELOW_CREATORS
    users = {} if version.privileged_creators else {creator: CREATOR_LEVEL_WITHOUT_EVENT}
    return {**DEFAULT_LEVELS, "events": events, "users": users, "notifications": {"room": 50}}


def _check_shape(version: RoomVersion, request: CreateRoomRequest) -> None:
    if request.effective_preset not in _PRESETS:
        raise BadJsonError("Unknown preset")
    if not all(map(is_user_id, request.invite)):
        raise BadJsonError("invite must be a list of user ids")
    additional = request.creation_content.get("additional_creators", [])
    valid = isinstance(additional, list) and all(map(is_user_id, additional))
    if version.privileged_creators and not valid:
        raise BadJsonError("additional_creators must be a list of user ids")
    _check_override(request.power_level_content_override)


def _check_override(override: JsonObject) -> None:
    """Refuse what is no level: text too, which old rooms may hold but nobody should send."""
    scalars = (override[key] for key in DEFAULT_LEVELS if key in override)
    maps = [override[key] for key in _LEVEL_MAPS if key in override]
    if not all(isinstance(levels, Mapping) for levels in maps):
        raise BadJsonError("users, events and notifications must be objects")
    entries = (level for levels in maps for level in levels.values())
    if not all(type(level) is int for level in (*scalars, *entries)):
        raise BadJsonError("Power levels must be integers")


def _create_content(
    version: RoomVersion,
    creator: str,
    request: CreateRoomRequest,
) -> dict[str, Json]:
    content = {k: v for k, v in request.creation_content.items() if k != "creator"}
    content["room_version"] = version.id
    if version.creator_in_create_content:
        content["creator"] = creator
    if version.privileged_creators and request.effective_preset == TRUSTED_PRIVATE_CHAT:
        named = [*content.get("additional_creators", []), *request.invite]
        others = [user for user in dict.fromkeys(named) if user != creator]
        if others:
            content["additional_creators"] = others
    return content


def _power_levels(
    version: RoomVersion,
    creator: str,
    request: CreateRoomRequest,
) -> dict[str, Json]:
    content = default_power_levels(version, creator)
    trusted = request.effective_preset == TRUSTED_PRIVATE_CHAT
    if trusted and not version.privileged_creators:
        level = CREATOR_LEVEL_WITHOUT_EVENT
        content["users"] = {**dict.fromkeys(request.invite, level), creator: level}
    return {**content, **request.power_level_content_override}


def _canonical_alias(creator: str, request: CreateRoomRequest) -> Iterator[NewState]:
    if request.room_alias_name is not None:
        alias = f"#{request.room_alias_name}:{domain_of(creator)}"
        yield NewState("m.room.canonical_alias", "", {"alias": alias})


def _preset_and_initial_state(request: CreateRoomRequest) -> Iterator[NewState]:
    """Yield the preset's events and then those asked for; of one key, only what holds."""
    join_rule, visibility, guest_access = _PRESETS[request.effective_preset]
    preset = (
        NewState("m.room.join_rules", "", {"join_rule": join_rule}),
        NewState("m.room.history_visibility", "", {"history_visibility": visibility}),
        NewState("m.room.guest_access", "", {"guest_access": guest_access}),
    )
    asked = {state.key for state in request.initial_state}
    yield from (state for state in preset if state.key not in asked)
    overridden = {state.key for state in _name_and_topic(request)}
    yield from (state for state in request.initial_state if state.key not in overridden)


def _name_and_topic(request: CreateRoomRequest) -> Iterator[NewState]:
    if request.name is not None:
        yield NewState("m.room.name", "", {"name": request.name})
    if request.topic is not None:
        text = [{"body": request.topic, "mimetype": "text/plain"}]
        yield NewState(
            "m.room.topic",
            "",
            {"topic": request.topic, "m.topic": {"m.text": text}},
        )


def _invites(request: CreateRoomRequest) -> Iterator[NewState]:
    for user in dict.fromkeys(request.invite):
        content: dict[str, Json] = {"membership": "invite"}
        if request.is_direct:
            content["is_direct"] = True
        yield NewState("m.room.member", user, content)


def _refuse_unauthorised(version: RoomVersion, creator: str, states: Sequence[NewState]) -> None:
    """Play the events through the room's own rules, under ids that never leave this function."""
    room_id = "!0" if version.room_id_is_create_hash else f"!0:{domain_of(creator)}"
    state: dict[StateKey, Event] = {}
    for position, new in enumerate(states):
        event = Event(
            event_id=f"${position}",
            room_id=room_id,
            type=new.type,
            state_key=new.state_key,
            sender=creator,
            content=new.content,
            origin_server_ts=0,
            depth=position + 1,
            auth_events=(),
            prev_events=(f"${position - 1}",) if position else (),
            json=b"",
        )
        failure = check_auth(version, event, state)
        if failure is not None:
            raise InvalidRoomStateError(f"{new.type}: {failure.reason}")
        state[new.key] = event
