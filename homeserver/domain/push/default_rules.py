"""The server-default push rules (Client-Server API v1.19, "Predefined Rules")."""

from __future__ import annotations

from typing import Any

Rule = dict[str, Any]

_SOUND = {"set_tweak": "sound", "value": "default"}
_HIGHLIGHT = {"set_tweak": "highlight"}


def default_rules(user_id: str) -> dict[str, list[Rule]]:
    """Return the unmodified `global` ruleset of a user: JSON, kinds and rules in spec order.

    Each call gives a fresh structure, which the caller may change.
    """
    return {
        "override": _override(user_id),
        "content": [],
        "room": [],
        "sender": [],
        "underride": _underride(),
    }


def _override(user_id: str) -> list[Rule]:
    is_member = _match("type", "m.room.member")
    invites = _match("content.membership", "invite")
    mentions_user = _property(
        "event_property_contains", r"content.m\.mentions.user_ids", value=user_id
    )
    mentions_room = _property("event_property_is", r"content.m\.mentions.room", value=True)
    may_notify_room = {"kind": "sender_notification_permission", "key": "room"}
    is_edit = _property("event_property_is", r"content.m\.relates_to.rel_type", value="m.replace")
    return [
        {**_rule("master", [], []), "enabled": False},
        _rule("suppress_notices", [_match("content.msgtype", "m.notice")], []),
        _rule(
            "invite_for_me", [is_member, invites, _match("state_key", user_id)], ["notify", _SOUND]
        ),
        _rule("member_event", [is_member], []),
        _rule("is_user_mention", [mentions_user], ["notify", _SOUND, _HIGHLIGHT]),
        _rule("is_room_mention", [mentions_room, may_notify_room], ["notify", _HIGHLIGHT]),
        _rule("tombstone", _state("m.room.tombstone"), ["notify", _HIGHLIGHT]),
        _rule("reaction", [_match("type", "m.reaction")], []),
        _rule("room.server_acl", _state("m.room.server_acl"), []),
        _rule("suppress_edits", [is_edit], []),
    ]


def _underride() -> list[Rule]:
    is_call = _match("type", "m.call.invite")
    is_message = _match("type", "m.room.message")
    is_encrypted = _match("type", "m.room.encrypted")
    is_one_to_one = {"kind": "room_member_count", "is": "2"}
    ring = {"set_tweak": "sound", "value": "ring"}
    return [
        _rule("call", [is_call], ["notify", ring]),
        _rule("encrypted_room_one_to_one", [is_one_to_one, is_encrypted], ["notify", _SOUND]),
        _rule("room_one_to_one", [is_one_to_one, is_message], ["notify", _SOUND]),
        _rule("message", [is_message], ["notify"]),
        _rule("encrypted", [is_encrypted], ["notify"]),
    ]


def _rule(name: str, conditions: list[dict[str, Any]], actions: list[Any]) -> Rule:
    return {
        "rule_id": f".m.rule.{name}",
        "default": True,
        "enabled": True,
        "conditions": [dict(condition) for condition in conditions],
        "actions": [dict(action) if isinstance(action, dict) else action for action in actions],
    }


def _match(key: str, pattern: str) -> dict[str, Any]:
    return {"kind": "event_match", "key": key, "pattern": pattern}


def _state(event_type: str) -> list[dict[str, Any]]:
    return [_match("type", event_type), _match("state_key", "")]


def _property(kind: str, key: str, *, value: str | bool) -> dict[str, Any]:
    return {"kind": kind, "key": key, "value": value}
