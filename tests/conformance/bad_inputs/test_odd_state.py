"""B8: well-known state of shapes that nobody expects must not spoil any read of the room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.support.client import Device

if TYPE_CHECKING:
    from tests.conformance.bad_inputs.conftest import Target

ODD: tuple[Any, ...] = (
    5,
    None,
    True,
    [],
    {},
    [5],
    {"a": {}},
    "",
    "x" * 5000,
    "\0",
    "@x:y",
    ["@x:y"],
    {"@x:y": 5},
)
STATE = {
    "m.room.name": ("name",),
    "m.room.topic": ("topic", "m.topic"),
    "m.room.avatar": ("url", "info"),
    "m.room.canonical_alias": ("alias", "alt_aliases"),
    "m.room.join_rules": ("join_rule", "allow"),
    "m.room.history_visibility": ("history_visibility",),
    "m.room.guest_access": ("guest_access",),
    "m.room.encryption": ("algorithm", "rotation_period_ms"),
    "m.room.pinned_events": ("pinned",),
    "m.room.server_acl": ("allow", "deny", "allow_ip_literals"),
    "m.room.tombstone": ("replacement_room", "body"),
    "m.room.third_party_invite": ("public_key", "public_keys", "display_name"),
    "m.room.create": ("room_version", "creator", "predecessor", "additional_creators"),
    "m.space.child": ("via", "order", "suggested"),
    "m.space.parent": ("via", "canonical"),
    "m.room.redaction": ("redacts",),
    "m.room.message": ("body",),
}
MEMBER = ("membership", "displayname", "avatar_url", "is_direct", "third_party_invite", "reason")
READS = (
    "state",
    "members",
    "joined_members",
    "messages?dir=b",
    "messages?dir=f",
    "messages?dir=b&filter=%7B%22lazy_load_members%22:true%7D",
)


async def check_reads(target: Target, room: str, who: Device) -> None:
    """Everything that shows a room works."""
    for path in READS:
        answer = await target.ask("GET", target.in_room(path, room), token=who.token)
        assert answer.status == 200, (path, answer.body)
    for query in ("", "?full_state=true", f"?since={who.since}" if who.since else "?timeout=0"):
        answer = await target.ask("GET", f"/sync{query}", token=who.token)
        assert answer.status == 200, answer.body
        assert room in answer.json["rooms"]["join"]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("version", ["10", "12"])
@pytest.mark.parametrize("kind", STATE)
async def test_B8_odd_state_spoils_no_read(target: Target, kind: str, version: str) -> None:
    alice = target.alice
    room = await alice.create_room(room_version=version, preset="public_chat")
    stored = 0
    for key in STATE[kind]:
        for value in ODD:
            content = {key: value}
            answer = await target.ask("PUT", target.in_room(f"state/{kind}/", room), content)
            assert answer.status in (200, 400, 403), (content, answer.body)
            stored += answer.status == 200
            if answer.status == 200:
                found = await target.ask("GET", target.in_room(f"state/{kind}/", room))
                assert found.json == content
    await check_reads(target, room, alice)
    async with Device(target.firn.base) as guest:
        await guest.register(
            f"guest-{alice.device_id.lower()}-{version}-{kind.rsplit('.', maxsplit=1)[-1]}"
        )
        for path in (f"/rooms/{quote(room)}/invite", f"/join/{quote(room)}"):
            who, body = (alice, {"user_id": guest.user_id}) if "invite" in path else (guest, {})
            answer = await target.ask("POST", path, body, token=who.token)
            assert answer.status in (200, 403), answer.body
            assert (await target.ask("GET", "/sync", token=guest.token)).status == 200
    assert stored or kind in ("m.room.create", "m.room.join_rules", "m.room.canonical_alias")


@pytest.mark.timeout(120)
async def test_B8_odd_members_spoil_no_read(target: Target) -> None:
    alice, room = target.alice, target.room
    for user in (alice.user_id, "@x:y", "x", "", "@" + "a" * 300 + ":firn.test", "@\0:y"):
        path = target.in_room(f"state/m.room.member/{quote(user, safe='')}")
        for key in MEMBER:
            for value in ODD:
                for membership in ("join", "invite", "leave"):
                    content = {"membership": membership, key: value}
                    if membership == "leave" and user == alice.user_id:
                        continue
                    answer = await target.ask("PUT", path, content)
                    assert answer.status in (200, 400, 403, 404), (content, answer.body)
    await check_reads(target, room, alice)


async def test_B8_odd_content_of_messages_spoils_no_read(target: Target) -> None:
    alice, room = target.alice, target.room
    for number, value in enumerate(ODD):
        content = {
            "body": value,
            "msgtype": value,
            "m.relates_to": value,
            "m.new_content": value,
            "m.mentions": value,
            "format": value,
            "redacts": value,
        }
        for kind in ("m.room.message", "m.reaction", "m.room.encrypted", "m.room.redaction", "m"):
            path = target.in_room(f"send/{kind}/odd{number}")
            answer = await target.ask("PUT", path, content)
            assert answer.status in (200, 400, 403, 404), (content, answer.body)
    await check_reads(target, room, alice)
