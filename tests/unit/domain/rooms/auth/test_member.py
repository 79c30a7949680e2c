"""The rules on `m.room.member`, version by version."""

from __future__ import annotations

from typing import Any

import pytest

from homeserver.domain.rooms.auth import check_auth
from homeserver.domain.rooms.versions import ROOM_VERSIONS, RoomVersion
from tests.support.rooms import ALICE, BOB, CAROL, DAVE, TestRoom

ALL = list(ROOM_VERSIONS.values())
V6, V7, V8, V9, V10, V11, V12 = ALL
each_version = pytest.mark.parametrize("version", ALL, ids=lambda v: f"v{v.id}")


class Signed:
    """Signatures that are valid for one server and one key."""

    def __init__(self, server: str = "", key: str = "") -> None:
        self.server, self.key = server, key

    def event_signed_by(self, _event: object, server_name: str) -> bool:
        return server_name == self.server

    def signed_with(self, _signed: object, public_key: str) -> bool:
        return public_key == self.key


def number(version: RoomVersion, *, v6: str, v8: str, v12: str) -> str:
    """Return the rule's number in a version, from those of the three layouts."""
    if version is V12:
        return v12
    return v6 if version in {V6, V7} else v8


@each_version
def test_no_membership_or_no_state_key(version: RoomVersion) -> None:
    room = TestRoom.founded(version)
    expected = number(version, v6="4.1", v8="4.1", v12="5.1")
    assert room.rule("m.room.member", ALICE, {}, key=ALICE) == expected
    assert room.rule("m.room.member", ALICE, {"membership": "join"}, key=None) == expected


@each_version
@pytest.mark.parametrize("membership", ["zebra", 5, None, ["join"]])
def test_unknown_membership(version: RoomVersion, membership: Any) -> None:
    room = TestRoom.founded(version)
    expected = "4.6" if version is V6 else number(version, v6="4.7", v8="4.8", v12="5.8")
    assert room.rule("m.room.member", ALICE, {"membership": membership}, key=ALICE) == expected


@each_version
def test_creator_joins_right_after_create(version: RoomVersion) -> None:
    room = TestRoom.founded(version)
    create = room.state["m.room.create", ""]
    del room.state["m.room.member", ALICE]
    join = {"membership": "join"}
    first: dict[str, Any] = {"prev_events": (create.event_id,)}
    assert room.rule("m.room.member", ALICE, join, key=ALICE, **first) is None
    otherwise = number(version, v6="4.2.6", v8="4.3.7", v12="5.3.7")
    assert room.rule("m.room.member", ALICE, join, key=ALICE) == otherwise
    assert room.rule("m.room.member", BOB, join, key=BOB, **first) == otherwise


@pytest.mark.parametrize(("version", "allowed"), [(V10, True), (V11, False)])
def test_creator_is_named_in_content_until_v10(version: RoomVersion, allowed: bool) -> None:
    room = TestRoom(version)
    create = room.put("m.room.create", ALICE, {"creator": BOB}, prev_events=())
    rule = room.rule(
        "m.room.member", BOB, {"membership": "join"}, key=BOB, prev_events=(create.event_id,)
    )
    assert (rule is None) is allowed


@each_version
def test_join_by_rule_and_membership(version: RoomVersion) -> None:
    join = number(version, v6="4.2", v8="4.3", v12="5.3")
    otherwise = number(version, v6="4.2.6", v8="4.3.7", v12="5.3.7")
    invited = TestRoom.founded(version).members(bob="invite", dave="ban").join_rule("invite")
    assert invited.member_rule(BOB, BOB, "join") is None
    assert invited.member_rule(ALICE, ALICE, "join", displayname="A") is None
    assert invited.member_rule(CAROL, CAROL, "join") == otherwise
    public = TestRoom.founded(version).members(dave="ban").join_rule("public")
    assert public.member_rule(CAROL, CAROL, "join") is None
    assert public.member_rule(DAVE, DAVE, "join") == f"{join}.3"
    assert public.member_rule(ALICE, CAROL, "join") == f"{join}.2"
    strange = TestRoom.founded(version).members(bob="invite").join_rule("private")
    assert strange.member_rule(BOB, BOB, "join") == otherwise


@each_version
def test_join_rule_knock_admits_invited_since_v7(version: RoomVersion) -> None:
    room = TestRoom.founded(version).members(bob="invite").join_rule("knock")
    assert (room.member_rule(BOB, BOB, "join") is None) is (version is not V6)


@each_version
@pytest.mark.parametrize("rule", ["restricted", "knock_restricted"])
def test_restricted_join(version: RoomVersion, rule: str) -> None:
    room = TestRoom.founded(version).members(bob="invite", dave="join")
    room.levels(users={DAVE: 10}, invite=50).join_rule(rule)
    known = version not in ({V6, V7} if rule == "restricted" else {V6, V7, V8, V9})
    otherwise = number(version, v6="4.2.6", v8="4.3.7", v12="5.3.7")
    section = "5.3.5.2" if version is V12 else "4.3.5.2"

    def join_via(user: object) -> str | None:
        via = {"join_authorised_via_users_server": user}
        return room.member_rule(CAROL, CAROL, "join", Signed("a.example"), **via)

    assert room.member_rule(BOB, BOB, "join") == (None if known else otherwise)
    assert join_via(ALICE) == (None if known else otherwise)
    assert room.member_rule(CAROL, CAROL, "join") == (section if known else otherwise)


@pytest.mark.parametrize("version", [V8, V9, V10, V11, V12])
def test_restricted_join_needs_a_signature_and_an_inviter(version: RoomVersion) -> None:
    room = TestRoom.founded(version).members(dave="join").join_rule("restricted")
    room.levels(users={DAVE: 10}, invite=50)
    unsigned = "5.2.1" if version is V12 else "4.2.1"
    section = "5.3.5.2" if version is V12 else "4.3.5.2"

    def join_via(user: object, signer: str) -> str | None:
        via = {"join_authorised_via_users_server": user}
        return room.member_rule(CAROL, CAROL, "join", Signed(signer), **via)

    assert join_via(ALICE, "a.example") is None
    assert join_via(ALICE, "c.example") == unsigned
    assert join_via(17, "a.example") == unsigned
    assert join_via(DAVE, "d.example") == section  # may not invite
    assert join_via(BOB, "b.example") == section  # not in the room
    event = room.event(
        "m.room.member",
        CAROL,
        {"membership": "join", "join_authorised_via_users_server": ALICE},
        key=CAROL,
    )
    assert check_auth(version, event, room.state) is not None  # nobody can check: refused


@each_version
def test_invite(version: RoomVersion) -> None:
    invite = number(version, v6="4.3", v8="4.4", v12="5.4")
    room = TestRoom.founded(version).members(bob="join", dave="ban").levels(invite=50)
    assert room.member_rule(ALICE, CAROL, "invite") is None
    assert room.member_rule(BOB, CAROL, "invite") == f"{invite}.5"
    assert room.member_rule(CAROL, CAROL, "invite") == f"{invite}.2"
    assert room.member_rule(ALICE, BOB, "invite") == f"{invite}.3"
    assert room.member_rule(ALICE, DAVE, "invite") == f"{invite}.3"


@each_version
def test_third_party_invite_redeemed(version: RoomVersion) -> None:
    invite = number(version, v6="4.3.1", v8="4.4.1", v12="5.4.1")
    room = TestRoom.founded(version).members(bob="join", dave="ban")
    keys = {"public_key": "K1", "public_keys": [{"public_key": "K2"}, 7]}
    room.put("m.room.third_party_invite", ALICE, keys, key="tok")

    def redeem(sender: str, target: str, offer: object, key: str = "K1") -> str | None:
        return room.member_rule(sender, target, "invite", Signed(key=key), third_party_invite=offer)

    good = {"signed": {"mxid": CAROL, "token": "tok"}}
    assert redeem(ALICE, CAROL, good) is None
    assert redeem(ALICE, CAROL, good, key="K2") is None
    assert redeem(ALICE, DAVE, good) == f"{invite}.1"
    assert redeem(ALICE, CAROL, {}) == f"{invite}.2"
    assert redeem(ALICE, CAROL, "x") == f"{invite}.2"
    assert redeem(ALICE, CAROL, {"signed": {"mxid": CAROL}}) == f"{invite}.3"
    assert redeem(ALICE, BOB, good) == f"{invite}.4"
    assert redeem(ALICE, CAROL, {"signed": {"mxid": CAROL, "token": "no"}}) == f"{invite}.5"
    assert redeem(BOB, CAROL, good) == f"{invite}.6"
    assert redeem(ALICE, CAROL, good, key="K3") == f"{invite}.8"


@each_version
def test_B4_leave_and_kick(version: RoomVersion) -> None:
    leave = number(version, v6="4.4", v8="4.5", v12="5.5")
    room = TestRoom.founded(version).members(bob="join", carol="join", dave="ban")
    room.levels(users={BOB: 50, CAROL: 50}, ban=60)
    assert room.member_rule(BOB, BOB, "leave") is None
    assert room.member_rule(DAVE, DAVE, "leave") == f"{leave}.1"
    assert room.member_rule(DAVE, BOB, "leave") == f"{leave}.2"
    assert room.member_rule(BOB, DAVE, "leave") == f"{leave}.3"
    assert room.member_rule(ALICE, DAVE, "leave") is None
    assert room.member_rule(BOB, CAROL, "leave") == f"{leave}.5"
    assert room.member_rule(BOB, ALICE, "leave") == f"{leave}.5"
    assert room.member_rule(ALICE, BOB, "leave") is None


@each_version
def test_leaving_an_invite_and_a_knock(version: RoomVersion) -> None:
    room = TestRoom.founded(version).members(bob="invite", carol="knock")
    assert room.member_rule(BOB, BOB, "leave") is None
    assert (room.member_rule(CAROL, CAROL, "leave") is None) is version.knocking


@each_version
def test_B4_ban_a_higher(version: RoomVersion) -> None:
    ban = number(version, v6="4.5", v8="4.6", v12="5.6")
    room = TestRoom.founded(version).members(bob="join", carol="join")
    room.levels(users={BOB: 50, CAROL: 0})
    assert room.member_rule(BOB, CAROL, "ban") is None
    assert room.member_rule(BOB, ALICE, "ban") == f"{ban}.3"
    assert room.member_rule(CAROL, DAVE, "ban") == f"{ban}.3"
    assert room.member_rule(DAVE, CAROL, "ban") == f"{ban}.1"


@each_version
def test_knock(version: RoomVersion) -> None:
    knock = {V6: "4.6", V7: "4.6", V12: "5.7"}.get(version, "4.7")
    room = TestRoom.founded(version).members(bob="invite", dave="ban").join_rule("knock")
    if version is V6:
        assert room.member_rule(CAROL, CAROL, "knock") == knock
        return
    assert room.member_rule(CAROL, CAROL, "knock") is None
    assert room.member_rule(ALICE, CAROL, "knock") == f"{knock}.2"
    for user in (ALICE, BOB, DAVE):
        assert room.member_rule(user, user, "knock") == f"{knock}.4"
    public = TestRoom.founded(version).join_rule("public")
    assert public.member_rule(CAROL, CAROL, "knock") == f"{knock}.1"
    both = TestRoom.founded(version).join_rule("knock_restricted")
    assert (both.member_rule(CAROL, CAROL, "knock") is None) is version.knock_restricted
