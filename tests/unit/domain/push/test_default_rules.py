"""The default ruleset is the specification's, in its order."""

from __future__ import annotations

from homeserver.domain.push.default_rules import default_rules

ALICE = "@alice:example.org"


def ids(kind: str) -> list[str]:
    return [rule["rule_id"] for rule in default_rules(ALICE)[kind]]


def test_kinds_and_order_of_v1_19() -> None:
    assert list(default_rules(ALICE)) == ["override", "content", "room", "sender", "underride"]
    assert ids("override") == [
        ".m.rule.master",
        ".m.rule.suppress_notices",
        ".m.rule.invite_for_me",
        ".m.rule.member_event",
        ".m.rule.is_user_mention",
        ".m.rule.is_room_mention",
        ".m.rule.tombstone",
        ".m.rule.reaction",
        ".m.rule.room.server_acl",
        ".m.rule.suppress_edits",
    ]
    assert ids("underride") == [
        ".m.rule.call",
        ".m.rule.encrypted_room_one_to_one",
        ".m.rule.room_one_to_one",
        ".m.rule.message",
        ".m.rule.encrypted",
    ]
    assert ids("content") == ids("room") == ids("sender") == []


def test_only_the_master_rule_is_disabled() -> None:
    rules = [rule for kind in default_rules(ALICE).values() for rule in kind]
    assert [rule["rule_id"] for rule in rules if not rule["enabled"]] == [".m.rule.master"]
    assert all(rule["default"] for rule in rules)


def test_the_mention_rule_names_its_user() -> None:
    rule = default_rules(ALICE)["override"][4]
    assert rule == {
        "rule_id": ".m.rule.is_user_mention",
        "default": True,
        "enabled": True,
        "conditions": [
            {
                "kind": "event_property_contains",
                "key": "content.m\\.mentions.user_ids",
                "value": ALICE,
            }
        ],
        "actions": [
            "notify",
            {"set_tweak": "sound", "value": "default"},
            {"set_tweak": "highlight"},
        ],
    }


def test_each_call_gives_rules_that_may_be_changed() -> None:
    default_rules(ALICE)["underride"][3]["actions"].clear()
    default_rules(ALICE)["override"][2]["conditions"][0]["pattern"] = "x"
    assert default_rules(ALICE)["underride"][3]["actions"] == ["notify"]
    assert default_rules(ALICE)["override"][3]["conditions"][0]["pattern"] == "m.room.member"
