"""The class of an event says for every reader what the default rules say."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from homeserver.domain.events.event import Event
from homeserver.domain.push.classify import classify
from homeserver.domain.push.context import PushContext
from homeserver.domain.push.default_rules import default_rules
from homeserver.domain.push.lines import in_room, lines_of, outcome_of, simplify
from homeserver.domain.push.properties import push_properties
from homeserver.domain.push.ruleset import compile_ruleset, evaluate

USERS = ["@a:x", "@b:x", "@ab:x"]
TYPES = [
    "m.room.message",
    "M.room.Message",
    "m.room.encrypted",
    "m.room.member",
    "M.ROOM.MEMBER",
    "m.room.tombstone",
    "m.room.server_acl",
    "m.reaction",
    "m.call.invite",
    "m.room.topic",
    "",
]
JUNK: st.SearchStrategy[Any] = st.sampled_from([None, True, False, 0, 1, "", "true", [], {}])
USER_IDS = st.sampled_from([*USERS, "@A:x", "@B:X"])


def often(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A property as it should be, or something else altogether."""
    return usual | JUNK


MENTIONS = st.fixed_dictionaries(
    {},
    optional={
        "user_ids": often(st.lists(often(USER_IDS), max_size=4)),
        "room": often(st.just(True)),
    },
)
RELATION = st.fixed_dictionaries(
    {}, optional={"rel_type": often(st.sampled_from(["m.replace", "M.replace", "m.thread"]))}
)
CONTENT = st.fixed_dictionaries(
    {},
    optional={
        "msgtype": often(st.sampled_from(["m.text", "m.notice", "M.NOTICE"])),
        "membership": often(st.sampled_from(["invite", "Invite", "join"])),
        "body": often(st.sampled_from(["hello @room", "a"])),
        "m.mentions": often(MENTIONS),
        "m.relates_to": often(RELATION),
    },
)
STATE_KEYS = st.none() | st.just("") | USER_IDS


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Any event, well-formed or not, around what the default rules look at."""
    return Event(
        event_id="$e",
        room_id="!r",
        type=draw(st.sampled_from(TYPES)),
        state_key=draw(STATE_KEYS),
        sender=draw(st.sampled_from(USERS)),
        content=draw(CONTENT),
        origin_server_ts=1,
        depth=1,
        auth_events=(),
        prev_events=(),
        json=b"",
    )


RULESETS = {user: compile_ruleset(default_rules(user)) for user in USERS}


@settings(max_examples=500)
@given(events(), st.integers(1, 3), st.sampled_from([0, 49, 50]), st.none() | st.just(49))
def test_classify_agrees_with_the_default_rules_for_every_reader(
    event: Event, members: int, level: int, required: int | None
) -> None:
    levels = {} if required is None else {"room": required}
    pushed = classify(event)
    for user in set(USERS) - {event.sender}:
        context = PushContext(user, "a", members, level, levels)
        actions = evaluate(RULESETS[user], push_properties(event), context)
        allowed = context.sender_may_notify("room")
        outcome = pushed.outcome(user, sender_may_notify_room=allowed)
        assert outcome == (actions.notify, actions.highlight)


CONDITIONS = st.sampled_from(
    [
        {"kind": "event_match", "key": "room_id", "pattern": "!r"},
        {"kind": "event_match", "key": "room_id", "pattern": "!*"},
        {"kind": "event_match", "key": "room_id", "pattern": "!other"},
        {"kind": "event_property_is", "key": "room_id", "value": "!r"},
        {"kind": "event_property_is", "key": "room_id", "value": "!other"},
        {"kind": "event_match", "key": "type", "pattern": "m.room.message"},
        {"kind": "event_match", "key": "content.body", "pattern": "hello"},
        {"kind": "event_property_is", "key": r"content.m\.mentions.room", "value": True},
        {"kind": "room_member_count", "is": "2"},
        {"kind": "contains_display_name"},
        {"kind": "sender_notification_permission", "key": "room"},
        {"kind": "org.new"},
    ]
)
ACTIONS = st.sampled_from([[], ["notify"], ["notify", {"set_tweak": "highlight"}], [{}]])
OWN_RULES = st.fixed_dictionaries(
    {
        "rule_id": st.sampled_from(["!r", "!other", *USERS, ".m.rule.master"]),
        "enabled": st.sampled_from([True, True, False]),
        "conditions": st.lists(CONDITIONS, max_size=2),
        "pattern": st.sampled_from(["hello", "a", "*"]),
        "actions": ACTIONS,
    }
)


@st.composite
def rulesets(draw: st.DrawFn) -> dict[str, Any]:
    """The default rules with some switched or changed, and others among them."""
    ruleset: dict[str, Any] = default_rules("@a:x")
    for rules in ruleset.values():
        for rule in rules:
            rule["enabled"] = draw(st.sampled_from([rule["enabled"]] * 5 + [not rule["enabled"]]))
            rule["actions"] = draw(st.sampled_from([rule["actions"]] * 5 + [[], ["notify"]]))
        for rule in draw(st.lists(OWN_RULES, max_size=2)):
            rules.insert(draw(st.integers(0, len(rules))), rule)
    return ruleset


@settings(max_examples=500)
@given(rulesets(), events(), st.integers(1, 3), st.sampled_from([0, 50]), st.none() | st.just("a"))
def test_lines_say_what_the_rules_say_also_when_reduced_to_a_room(
    ruleset: dict[str, Any], event: Event, members: int, level: int, name: str | None
) -> None:
    reader = "@a:x" if event.sender != "@a:x" else "@b:x"
    context = PushContext(reader, name, members, level, {})
    properties = push_properties(event)
    actions = evaluate(compile_ruleset(ruleset), properties, context)
    expected = (actions.notify, actions.highlight)
    lines = lines_of(ruleset)
    assert outcome_of(lines, properties, context) == expected
    assert outcome_of(simplify(lines), properties, context) == expected
    assert outcome_of(in_room(lines, "!r", context), properties, context) == expected
