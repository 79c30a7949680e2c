"""The bodies that gateways get (Push Gateway API)."""

from __future__ import annotations

from typing import Any

import pytest

from homeserver.domain.events.event import Event
from homeserver.domain.push.notification import Counts, Device, Told, badge, notification, priority

DEVICE = Device("app", "key", 12_345_678, {"url": "https://x/", "format": "full", "extra": 1})
BRIEF = Device("app", "key", 12_345_678, {"url": "https://x/", "format": "event_id_only"})


def event(kind: str = "m.room.message", state_key: str | None = None, **content: Any) -> Event:
    return Event("$e", "!r", kind, state_key, "@a:a", content, 1, 1, (), (), b"")


def told(what: Event, **tweaks: Any) -> Told:
    return Told(what, "@b:a", tweaks, sender_name="A", room_name=None, room_alias="")


def test_a_badge_has_counts_alone_and_none_that_are_zero() -> None:
    assert badge(Counts(2, 1), DEVICE) == {
        "notification": {
            "prio": "low",
            "counts": {"unread": 2, "missed_calls": 1},
            "devices": [
                {
                    "app_id": "app",
                    "pushkey": "key",
                    "pushkey_ts": 12_345,
                    "data": {"format": "full", "extra": 1},
                }
            ],
        }
    }
    assert badge(Counts(), BRIEF)["notification"]["counts"] == {}


def test_names_that_are_not_there_are_left_out() -> None:
    found = notification(told(event(body="x")), Counts(), DEVICE)["notification"]
    assert found["sender_display_name"] == "A"
    assert not {"room_name", "room_alias", "user_is_target"} & found.keys()


@pytest.mark.parametrize(("target", "is_target"), [("@b:a", True), ("@c:a", False)])
def test_member_events_tell_whom_they_are_about(target: str, is_target: bool) -> None:
    member = event("m.room.member", target, membership="invite")
    found = notification(told(member), Counts(), DEVICE)["notification"]
    assert found["user_is_target"] is is_target


def test_event_id_only_is_ids_counts_and_devices() -> None:
    found = notification(told(event(body="secret"), sound="ping"), Counts(1), BRIEF)
    assert found["notification"].keys() == {"event_id", "room_id", "prio", "counts", "devices"}
    assert found["notification"]["devices"][0]["tweaks"] == {"sound": "ping"}


@pytest.mark.parametrize(
    ("kind", "tweaks", "prio"),
    [
        ("m.room.message", {}, "low"),
        ("m.room.message", {"highlight": False}, "low"),
        ("m.room.message", {"highlight": True}, "high"),
        ("m.room.message", {"sound": "default"}, "high"),
        ("m.room.encrypted", {}, "high"),
    ],
)
def test_what_sounds_or_highlights_or_may_do_so_is_urgent(
    kind: str, tweaks: dict[str, Any], prio: str
) -> None:
    assert priority(event(kind), tweaks) == prio
