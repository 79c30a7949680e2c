"""The rules on everything but memberships and power levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from homeserver.domain.rooms.auth import auth_types_for, check_auth, check_auth_events
from homeserver.domain.rooms.power_levels import PowerLevels
from homeserver.domain.rooms.versions import ROOM_VERSIONS, RoomVersion
from tests.support.rooms import ALICE, BOB, CAROL, TestRoom, make_event

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event

ALL = list(ROOM_VERSIONS.values())
V12 = ROOM_VERSIONS["12"]
each_version = pytest.mark.parametrize("version", ALL, ids=lambda v: f"v{v.id}")
TEXT = {"body": "hi"}


def shifted(version: RoomVersion, number: int) -> str:
    """Return the number of a rule after the create rule: version 12 has one more."""
    return str(number + 1 if version is V12 else number)


@each_version
def test_create(version: RoomVersion) -> None:
    room = TestRoom(version)
    content = {"creator": ALICE}
    assert room.rule("m.room.create", ALICE, content, prev_events=()) is None
    assert room.rule("m.room.create", ALICE, content, prev_events=("$x",)) == "1.1"
    assert room.rule("m.room.create", ALICE, content, prev_events=(), room_id="!r:z") == "1.2"
    strange = {**content, "room_version": "zebra"}
    assert room.rule("m.room.create", ALICE, strange, prev_events=()) == "1.3"
    assert (
        room.rule("m.room.create", ALICE, {**content, "room_version": 1}, prev_events=()) == "1.3"
    )
    needs_creator = version.creator_in_create_content
    assert room.rule("m.room.create", ALICE, {}, prev_events=()) == (
        "1.4" if needs_creator else None
    )


@pytest.mark.parametrize("creators", ["@b:b", [1], ["bob"], ["@bob"], [ALICE, "@b:"], None])
def test_additional_creators_must_be_user_ids(creators: object) -> None:
    room = TestRoom(V12)
    content = {"additional_creators": creators}
    assert room.rule("m.room.create", ALICE, content, prev_events=()) == "1.4"
    content = {"additional_creators": [BOB, "@:c.example"]}
    assert room.rule("m.room.create", ALICE, content, prev_events=()) is None


@each_version
def test_B4_create_cannot_be_edited(version: RoomVersion) -> None:
    room = TestRoom.founded(version).levels()
    assert room.rule("m.room.create", ALICE, {"creator": ALICE}) == "1.1"


@each_version
def test_state_without_create(version: RoomVersion) -> None:
    event = make_event("$m", "m.room.message", ALICE)
    failure = check_auth(version, event, {})
    assert failure is not None
    assert failure.rule == ("v12:2" if version is V12 else f"v{version.id}:2.4")


def test_v12_room_id_must_name_the_create_event() -> None:
    room = TestRoom.founded(V12)
    assert room.rule("m.room.message", ALICE, TEXT, key=None) is None
    assert room.rule("m.room.message", ALICE, TEXT, key=None, room_id="!other") == "2"


@each_version
def test_room_that_does_not_federate(version: RoomVersion) -> None:
    room = TestRoom.founded(version, **{"m.federate": False}).members(bob="join")
    assert room.rule("m.room.message", ALICE, TEXT, key=None) is None
    assert room.rule("m.room.message", BOB, TEXT, key=None) == shifted(version, 3)


@each_version
def test_only_members_send(version: RoomVersion) -> None:
    room = TestRoom.founded(version).members(bob="invite")
    for user in (BOB, CAROL):
        assert room.rule("m.room.message", user, TEXT, key=None) == shifted(version, 5)


@each_version
def test_third_party_invite_needs_the_invite_level(version: RoomVersion) -> None:
    room = TestRoom.founded(version).members(bob="join").levels(invite=10, state_default=90)
    expected = shifted(version, 6) + ".1"
    assert room.rule("m.room.third_party_invite", ALICE, {}, key="t") is None
    assert room.rule("m.room.third_party_invite", BOB, {}, key="t") == expected
    room.levels(users={BOB: 10}, invite=10, state_default=90)
    assert room.rule("m.room.third_party_invite", BOB, {}, key="t") is None


@each_version
def test_required_level(version: RoomVersion) -> None:
    room = TestRoom.founded(version).members(bob="join")
    low = shifted(version, 7)
    assert room.rule("m.room.name", BOB, {}) == low
    assert room.rule("m.room.message", BOB, TEXT, key=None) is None
    room.levels(users={BOB: 5}, events={"m.room.name": 5, "m.loud": 6}, events_default=5)
    assert room.rule("m.room.name", BOB, {}) is None
    assert room.rule("m.loud", BOB, {}, key=None) == low
    assert room.rule("m.quiet", BOB, {}, key=None) is None
    assert room.rule("m.room.topic", BOB, {}) == low


@each_version
def test_B4_state_in_anothers_name(version: RoomVersion) -> None:
    room = TestRoom.founded(version).members(bob="join")
    assert room.rule("m.mine", ALICE, {}, key=ALICE) is None
    assert room.rule("m.mine", ALICE, {}, key=BOB) == shifted(version, 8)
    assert room.rule("m.mine", ALICE, {}, key="@zebra") == shifted(version, 8)


@each_version
def test_redactions_and_aliases_pass_like_other_events(version: RoomVersion) -> None:
    room = TestRoom.founded(version).members(bob="join").levels(redact=90, state_default=0)
    assert room.rule("m.room.redaction", BOB, {}, key=None, redacts="$1") is None
    assert room.rule("m.room.aliases", BOB, {}, key="elsewhere.example") is None


@each_version
def test_given_levels_are_used(version: RoomVersion) -> None:
    room = TestRoom.founded(version).members(bob="join").levels(events_default=50)
    message = room.event("m.room.message", BOB, TEXT, key=None)
    create = room.state["m.room.create", ""]
    generous = PowerLevels.of(version, create, None)
    assert check_auth(version, message, room.state) is not None
    assert check_auth(version, message, room.state, levels=generous) is None


@each_version
def test_selection(version: RoomVersion) -> None:
    create = () if version is V12 else (("m.room.create", ""),)
    base = (*create, ("m.room.power_levels", ""), ("m.room.member", ALICE))

    def select(content: dict[str, Any], event_type: str = "m.room.member") -> object:
        return auth_types_for(version, event_type, BOB, ALICE, content)

    bob, rules = ("m.room.member", BOB), ("m.room.join_rules", "")
    assert select({}, "m.room.create") == ()
    assert select({}, "m.room.name") == base
    assert select({"membership": "leave"}) == (*base, bob)
    assert select({"membership": "ban"}) == (*base, bob)
    assert select({"membership": "knock"}) == (*base, bob, rules)
    via = {"membership": "join", "join_authorised_via_users_server": CAROL}
    restricted = (("m.room.member", CAROL),) if version.restricted_joins else ()
    assert select(via) == (*base, bob, rules, *restricted)
    offer = {"membership": "invite", "third_party_invite": {"signed": {"token": "t"}}}
    assert select(offer) == (*base, bob, rules, ("m.room.third_party_invite", "t"))
    own = auth_types_for(version, "m.room.member", ALICE, ALICE, {"membership": "join"})
    assert own == (*base, rules)


@each_version
def test_auth_events(version: RoomVersion) -> None:
    room = TestRoom.founded(version).members(bob="join").levels()
    message = room.event("m.room.message", ALICE, TEXT, key=None)
    n = "3" if version is V12 else "2"
    by_id = {event.event_id: event for event in room.state.values()}
    cited = [by_id[event_id] for event_id in message.auth_events]
    bob = room.state["m.room.member", BOB]
    twin = room.event("m.room.member", ALICE, {"membership": "join"}, key=ALICE)
    moved = room.event("m.room.power_levels", ALICE, {}, room_id="!other:a.example")
    others = [event for event in cited if event.type != "m.room.power_levels"]

    def check(events: list[Event], rejected: str = "") -> str | None:
        failure = check_auth_events(version, message, events, lambda i: i == rejected)
        return None if failure is None else failure.rule.partition(":")[2]

    assert check(cited) is None
    assert check([*cited, twin]) == f"{n}.1"
    assert check([*cited, bob]) == f"{n}.2"
    assert check([*others, make_event("$z", "m.room.power_levels", ALICE)]) == f"{n}.2"
    assert check(cited, cited[-1].event_id) == f"{n}.3"
    assert check([*others, moved]) == (f"{n}.4" if version is V12 else f"{n}.5")
    create = room.state["m.room.create", ""]
    if version is V12:
        assert check([*cited, create]) == "3.2"
        assert check(cited, create.event_id) == "2"
    else:
        assert check([e for e in cited if e is not create]) == "2.4"
