"""The class of an event, seen from outside."""

from __future__ import annotations

from typing import Any

from homeserver.domain.events.event import Event
from homeserver.domain.push.classify import SILENT, EventPushClass, classify


def event(event_type: str, content: dict[str, Any], state_key: str | None = None) -> Event:
    return Event("$e", "!r", event_type, state_key, "@s:x", content, 0, 0, (), (), b"")


def message(**content: Any) -> EventPushClass:
    return classify(event("m.room.message", {"msgtype": "m.text", "body": "hi", **content}))


def test_a_text_notifies_everyone_and_highlights_nobody() -> None:
    assert message() == EventPushClass(notifies_everyone=True)


def test_mentions_are_listed_once_and_only_if_they_are_strings() -> None:
    pushed = message(**{"m.mentions": {"user_ids": ["@a:x", 1, "@b:x", "@a:x"]}})
    assert pushed.mentions == ("@a:x", "@b:x")
    assert pushed.outcome("@a:x", sender_may_notify_room=False) == (True, True)
    assert pushed.outcome("@c:x", sender_may_notify_room=False) == (True, False)


def test_a_room_mention_depends_on_the_senders_power() -> None:
    pushed = message(**{"m.mentions": {"room": True}})
    assert pushed.outcome("@a:x", sender_may_notify_room=True) == (True, True)
    assert pushed.outcome("@a:x", sender_may_notify_room=False) == (True, False)


def test_an_edit_is_silent_but_for_those_it_mentions() -> None:
    edit = {"rel_type": "m.replace", "event_id": "$o"}
    pushed = message(**{"m.relates_to": edit, "m.mentions": {"user_ids": ["@a:x"]}})
    assert pushed.outcome("@a:x", sender_may_notify_room=True) == (True, True)
    assert pushed.outcome("@b:x", sender_may_notify_room=True) == (False, False)


def test_a_notice_mentions_nobody() -> None:
    assert message(msgtype="m.notice", **{"m.mentions": {"user_ids": ["@a:x"]}}) is SILENT


def test_an_invite_notifies_its_target_alone() -> None:
    pushed = classify(event("m.room.member", {"membership": "invite"}, "@a:x"))
    assert pushed.outcome("@a:x", sender_may_notify_room=True) == (True, False)
    assert pushed.outcome("@b:x", sender_may_notify_room=True) == (False, False)


def test_a_room_upgrade_highlights_everyone() -> None:
    pushed = classify(event("m.room.tombstone", {"body": "moved"}, ""))
    assert pushed.outcome("@a:x", sender_may_notify_room=False) == (True, True)
    assert classify(event("m.room.tombstone", {"body": "moved"})) is SILENT
