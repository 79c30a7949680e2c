"""What an `m.room.join_rules` event asks of those who want to join."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.domain.rooms.versions import RoomVersion
    from homeserver.domain.shared.json import JsonObject

DEFAULT_JOIN_RULE: Final = "invite"


def join_rule_of(content: JsonObject | None) -> str:
    """Return the rule; a room without one, or with nonsense for one, is invite-only."""
    rule = content.get("join_rule") if content is not None else None
    return rule if isinstance(rule, str) else DEFAULT_JOIN_RULE


def opens_to_invited(version: RoomVersion, rule: str) -> bool:
    """Whether the rule lets in just those who were invited."""
    return rule == "invite" or (rule == "knock" and version.knocking)


def is_restricted(version: RoomVersion, rule: str) -> bool:
    """Whether the rule lets in members of other rooms."""
    return (rule == "restricted" and version.restricted_joins) or (
        rule == "knock_restricted" and version.knock_restricted
    )


def opens_to_knocks(version: RoomVersion, rule: str) -> bool:
    """Whether the rule takes knocks."""
    return (rule == "knock" and version.knocking) or (
        rule == "knock_restricted" and version.knock_restricted
    )


def rooms_that_admit(version: RoomVersion, content: JsonObject) -> tuple[str, ...]:
    """Return the rooms whose members a restricted room admits, in order, each once.

    Empty where the rule is another one, or where no condition can be understood: the room
    is then invite-only (client-server API, `m.room.join_rules`, `allow`).
    """
    allow = content.get("allow")
    if not is_restricted(version, join_rule_of(content)) or not isinstance(allow, list):
        return ()
    rooms = (condition.get("room_id") for condition in allow if _is_membership(condition))
    return tuple(
        dict.fromkeys(room for room in rooms if isinstance(room, str) and room.startswith("!")),
    )


def _is_membership(condition: Mapping[str, object] | object) -> bool:
    return isinstance(condition, dict) and condition.get("type") == "m.room_membership"
