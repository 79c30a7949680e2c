"""The redaction algorithm: what stays of an event in each room version.

Specification: `content/rooms/vN.md`, "Redactions". The same algorithm goes before every
signature and reference hash, so a slip here splits rooms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from homeserver.domain.rooms.versions import RoomVersion
    from homeserver.domain.shared.json import Json, JsonObject

_KEYS_V11: Final = frozenset(
    {
        "auth_events",
        "content",
        "depth",
        "event_id",
        "hashes",
        "origin_server_ts",
        "prev_events",
        "room_id",
        "sender",
        "signatures",
        "state_key",
        "type",
    }
)
_KEYS_V6: Final = _KEYS_V11 | {"membership", "origin", "prev_state"}

_POWER_LEVEL_KEYS: Final = (
    "ban",
    "events",
    "events_default",
    "kick",
    "redact",
    "state_default",
    "users",
    "users_default",
)


def redact(pdu: JsonObject, version: RoomVersion) -> dict[str, Any]:
    """Strip an event of all that its room version does not protect.

    The result is a new object that shares the values it keeps. `unsigned` never stays;
    `signatures` do.
    """
    keys = _KEYS_V11 if version.updated_redaction_rules else _KEYS_V6
    redacted = {key: value for key, value in pdu.items() if key in keys}
    redacted["content"] = redact_content(pdu.get("type"), pdu.get("content"), version)
    return redacted


def redact_content(event_type: Json, content: Json, version: RoomVersion) -> dict[str, Any]:
    """Strip a content of all that the version does not protect in this event type.

    A content that is no object becomes an empty one.
    """
    rule = _CONTENT_RULES.get(event_type) if isinstance(event_type, str) else None
    if rule is None or not isinstance(content, Mapping):
        return {}
    return rule(content, version)


def redaction_target(pdu: JsonObject, version: RoomVersion) -> str | None:
    """Read which event an `m.room.redaction` redacts, from where the version keeps it."""
    if pdu.get("type") != "m.room.redaction":
        return None
    target = (pdu["content"] if version.redacts_in_content else pdu).get("redacts")
    return target if isinstance(target, str) else None


def redaction_target_of(event_type: str, redacts: Json, content: JsonObject) -> str | None:
    """What a stored event redacts; `redacts` is its key at the top level, if it has one."""
    if event_type != "m.room.redaction":
        return None
    target = content.get("redacts") if redacts is None else redacts
    return target if isinstance(target, str) else None


def _pick(content: JsonObject, *keys: str) -> dict[str, Any]:
    return {key: content[key] for key in keys if key in content}


def _member(content: JsonObject, version: RoomVersion) -> dict[str, Any]:
    kept = _pick(content, "membership")
    if version.redaction_keeps_authorising_user:
        kept |= _pick(content, "join_authorised_via_users_server")
    invite = content.get("third_party_invite")
    if version.updated_redaction_rules and isinstance(invite, Mapping) and "signed" in invite:
        kept["third_party_invite"] = {"signed": invite["signed"]}
    return kept


def _create(content: JsonObject, version: RoomVersion) -> dict[str, Any]:
    return dict(content) if version.updated_redaction_rules else _pick(content, "creator")


def _join_rules(content: JsonObject, version: RoomVersion) -> dict[str, Any]:
    keys = ("join_rule", "allow") if version.restricted_joins else ("join_rule",)
    return _pick(content, *keys)


def _power_levels(content: JsonObject, version: RoomVersion) -> dict[str, Any]:
    kept = _pick(content, *_POWER_LEVEL_KEYS)
    if version.updated_redaction_rules:
        kept |= _pick(content, "invite")
    return kept


def _history_visibility(content: JsonObject, _version: RoomVersion) -> dict[str, Any]:
    return _pick(content, "history_visibility")


def _redaction(content: JsonObject, version: RoomVersion) -> dict[str, Any]:
    return _pick(content, "redacts") if version.updated_redaction_rules else {}


_CONTENT_RULES: Final = {
    "m.room.create": _create,
    "m.room.history_visibility": _history_visibility,
    "m.room.join_rules": _join_rules,
    "m.room.member": _member,
    "m.room.power_levels": _power_levels,
    "m.room.redaction": _redaction,
}
