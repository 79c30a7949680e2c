"""Why an event is not authorised, and the numbers that the specification gives the rules."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homeserver.domain.rooms.versions import RoomVersion


@dataclass(frozen=True, slots=True)
class AuthFailure:
    """A refusal. `rule` is "v<room version>:<number of the rule>", for example "v12:5.3.2"."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class RuleNumbers:
    """Where each rule stands in the list of one room version (`content/rooms/vN.md`).

    A rule that a version does not have bears an empty number. Where the list restarts its
    count in the source, the number is the one that a reader of the page sees.
    """

    auth_events: str = "2"
    federate: str = "3"
    member: str = "4"
    authorised_via: str = ""
    join: str = "4.2"
    join_otherwise: str = "4.2.6"
    invite: str = "4.3"
    leave: str = "4.4"
    ban: str = "4.5"
    knock: str = ""
    unknown_membership: str = "4.6"
    not_joined: str = "5"
    third_party_invite: str = "6"
    required_level: str = "7"
    state_key: str = "8"
    levels_scalars: str = ""
    levels_maps: str = ""
    levels_users: str = "9.1"
    levels_creators: str = ""
    levels_altered: str = "9.3"
    levels_map_before: str = "9.4"
    levels_map_after: str = "9.5"
    levels_user_before: str = "9.6"
    levels_user_after: str = "9.7"


_V6 = RuleNumbers()
_V7 = replace(_V6, knock="4.6", unknown_membership="4.7")
_V8 = replace(
    _V7,
    authorised_via="4.2",
    join="4.3",
    join_otherwise="4.3.7",
    invite="4.4",
    leave="4.5",
    ban="4.6",
    knock="4.7",
    unknown_membership="4.8",
)
_V10 = replace(
    _V8,
    levels_scalars="9.1",
    levels_maps="9.2",
    levels_users="9.3",
    levels_altered="9.5",
    levels_map_before="9.6",
    levels_map_after="9.7",
    levels_user_before="9.8",
    levels_user_after="9.9",
)
_V12 = RuleNumbers(
    auth_events="3",
    federate="4",
    member="5",
    authorised_via="5.2",
    join="5.3",
    join_otherwise="5.3.7",
    invite="5.4",
    leave="5.5",
    ban="5.6",
    knock="5.7",
    unknown_membership="5.8",
    not_joined="6",
    third_party_invite="7",
    required_level="8",
    state_key="9",
    levels_scalars="10.1",
    levels_maps="10.2",
    levels_users="10.3",
    levels_creators="10.4",
    levels_altered="10.6",
    levels_map_before="10.7",
    levels_map_after="10.8",
    levels_user_before="10.9",
    levels_user_after="10.10",
)
_NUMBERS = {"6": _V6, "7": _V7, "8": _V8, "9": _V8, "10": _V10, "11": _V10, "12": _V12}


def numbers_of(version: RoomVersion) -> RuleNumbers:
    """Return the numbers of the rules in this room version."""
    return _NUMBERS[version.id]


def refuse(version: RoomVersion, number: str, reason: str) -> AuthFailure:
    """Build the refusal under rule `number` of this version."""
    return AuthFailure(f"v{version.id}:{number}", reason)
