"""Which rule decides, and what it does."""

from __future__ import annotations

from typing import Any

from homeserver.domain.push.context import PushContext
from homeserver.domain.push.default_rules import default_rules
from homeserver.domain.push.ruleset import compile_ruleset, evaluate

ALICE, BOB = "@alice:x", "@bob:x"
GROUP = PushContext(ALICE, "Alice", room_member_count=5)
PAIR = PushContext(ALICE, "Alice", room_member_count=2)


def message(body: str = "hi", sender: str = BOB, **content: Any) -> dict[str, Any]:
    content = {"msgtype": "m.text", "body": body, **content}
    return {"type": "m.room.message", "sender": sender, "room_id": "!r", "content": content}


def rules(**kinds: list[dict[str, Any]]) -> Any:
    ruleset = default_rules(ALICE)
    for kind, added in kinds.items():
        ruleset[kind][:0] = added
    return compile_ruleset(ruleset)


def test_a_message_notifies_with_a_sound_in_a_pair_only() -> None:
    in_group, in_pair = (evaluate(rules(), message(), room) for room in (GROUP, PAIR))
    assert (in_group.notify, in_group.highlight, in_group.sound) == (True, False, None)
    assert (in_pair.notify, in_pair.highlight, in_pair.sound) == (True, False, "default")


def test_ones_own_message_never_notifies() -> None:
    mentions: dict[str, Any] = {"m.mentions": {"user_ids": [ALICE]}}
    mention = message(sender=ALICE, **mentions)
    assert not evaluate(rules(), mention, GROUP).notify


def test_a_name_in_the_body_alone_is_no_mention_since_v1_17() -> None:
    assert not evaluate(rules(), message("Alice alice @alice:x @room"), GROUP).highlight


def test_the_master_rule_beats_the_users_own_overrides() -> None:
    own = {"rule_id": "all", "enabled": True, "conditions": [], "actions": ["notify"]}
    ruleset = default_rules(ALICE)
    ruleset["override"][0]["enabled"] = True
    ruleset["override"].insert(0, own)
    assert not evaluate(compile_ruleset(ruleset), message(), GROUP).notify


def test_kinds_are_checked_in_order() -> None:
    quiet_room = {"rule_id": "!r", "enabled": True, "actions": []}
    cake = {"rule_id": "c", "pattern": "cake", "enabled": True, "actions": ["notify"]}
    loud_bob = {"rule_id": BOB, "enabled": True, "actions": ["notify"]}
    ruleset = rules(room=[quiet_room], content=[cake], sender=[loud_bob])
    assert not evaluate(ruleset, message("pie"), GROUP).notify
    assert evaluate(ruleset, message("Cake!"), GROUP).notify
    assert evaluate(rules(sender=[{**loud_bob, "actions": []}]), message(), GROUP).notify is False


def test_a_disabled_rule_never_matches() -> None:
    off = {"rule_id": "!r", "enabled": False, "actions": []}
    assert evaluate(rules(room=[off]), message(), GROUP).notify


def test_historical_actions_are_ignored_and_highlight_may_be_false() -> None:
    for actions, expected in (
        (["dont_notify"], (False, False)),
        (["coalesce", "notify"], (True, False)),
        (["notify", {"set_tweak": "highlight", "value": False}], (True, False)),
        (["notify", {"set_tweak": "highlight"}], (True, True)),
        ([{"set_tweak": "highlight"}], (False, False)),
    ):
        room = {"rule_id": "!r", "enabled": True, "actions": actions}
        done = evaluate(rules(room=[room]), message(), GROUP)
        assert (done.notify, done.highlight) == expected


def test_unknown_tweaks_pass_through() -> None:
    flash = {"set_tweak": "flash", "value": {"rgb": 1}}
    room = {"rule_id": "!r", "enabled": True, "actions": ["notify", flash]}
    assert evaluate(rules(room=[room]), message(), GROUP).tweaks == {"flash": {"rgb": 1}}


def test_a_stored_ruleset_of_any_shape_compiles() -> None:
    broken = {"override": [3, {"rule_id": 1}, {"rule_id": "x", "conditions": 1}], "room": {}}
    assert not evaluate(compile_ruleset(broken), message(), GROUP).notify
