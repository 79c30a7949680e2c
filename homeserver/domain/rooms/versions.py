"""Room versions as data: which rule holds in which version.

Each field names one rule, with the section of the specification that states it
(`content/rooms/vN.md`). Code asks for the rule, never for the number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class RoomVersion:
    """The rules of one room version."""

    id: str
    # v6: integer ranges and canonical JSON are enforced; no special aliases rule
    # v7: members may knock
    knocking: bool
    # v8: restricted joins, and redactions keep a join rule's `allow`; v9: redactions keep
    # join_authorised_via_users_server
    restricted_joins: bool
    redaction_keeps_authorising_user: bool
    # v10: knock_restricted; power levels must be integers
    knock_restricted: bool
    integer_power_levels: bool
    # v11: redaction rules, `redacts` in content, create without `creator`
    updated_redaction_rules: bool
    redacts_in_content: bool
    creator_in_create_content: bool
    # v12: the room id is the create event's hash, so that the create event has no room_id
    # and is never listed in auth_events; creators have infinite power; state resolution 2.1
    room_id_is_create_hash: bool
    privileged_creators: bool
    state_resolution: str


_V6 = RoomVersion(
    id="6",
    knocking=False,
    restricted_joins=False,
    redaction_keeps_authorising_user=False,
    knock_restricted=False,
    integer_power_levels=False,
    updated_redaction_rules=False,
    redacts_in_content=False,
    creator_in_create_content=True,
    room_id_is_create_hash=False,
    privileged_creators=False,
    state_resolution="2",
)
_V7 = replace(_V6, id="7", knocking=True)
_V8 = replace(_V7, id="8", restricted_joins=True)
_V9 = replace(_V8, id="9", redaction_keeps_authorising_user=True)
_V10 = replace(_V9, id="10", knock_restricted=True, integer_power_levels=True)
_V11 = replace(
    _V10,
    id="11",
    updated_redaction_rules=True,
    redacts_in_content=True,
    creator_in_create_content=False,
)
_V12 = replace(
    _V11,
    id="12",
    room_id_is_create_hash=True,
    privileged_creators=True,
    state_resolution="2.1",
)

ROOM_VERSIONS = {v.id: v for v in (_V6, _V7, _V8, _V9, _V10, _V11, _V12)}
