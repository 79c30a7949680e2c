"""Which services an event concerns, as members come and go."""

from __future__ import annotations

from typing import Any

from homeserver.domain.appservices.interest import RoomInterest
from homeserver.domain.appservices.registration import Namespace, Registration
from homeserver.domain.appservices.services import Services
from homeserver.domain.events.build import build_event
from homeserver.domain.rooms.versions import ROOM_VERSIONS

ROOM = "!verona:firn.test"
ROMEO, GHOST = "@romeo:firn.test", "@_irc_x:firn.test"


def service(service_id: str, **namespaces: str) -> Registration:
    """A service with one expression for each kind of namespace, a beginning of ids."""

    def one(text: str) -> tuple[Namespace, ...]:
        return (Namespace(text, exclusive=False, matches=lambda value: value.startswith(text)),)

    spaces: dict[str, Any] = {kind: one(text) for kind, text in namespaces.items()}
    return Registration(
        service_id, "http://x", service_id.encode(), "h", f"@{service_id}:firn.test", **spaces
    )


def event(sender: str, kind: str, content: dict[str, Any], state_key: str | None = None) -> Any:
    """An event of the room."""
    return build_event(
        ROOM_VERSIONS["11"],
        room_id=ROOM,
        sender=sender,
        type=kind,
        state_key=state_key,
        content=content,
        origin_server_ts=1,
        depth=1,
        auth_events=[],
        prev_events=[],
    )


def member(user_id: str, membership: str, by: str = ROMEO) -> Any:
    """A membership."""
    return event(by, "m.room.member", {"membership": membership}, user_id)


def interest(*services: Registration, members: tuple[str, ...] = ()) -> RoomInterest:
    """Of a room with these members."""
    return RoomInterest(Services({each.id: each for each in services}), ROOM, 0, members)


TEXT = event(ROMEO, "m.room.message", {"body": "x"})


def test_from_the_invitation_alone_to_the_leave_with_all_between() -> None:
    room = interest(service("irc", users="@_irc_"))
    steps: tuple[tuple[Any, list[str]], ...] = (
        (TEXT, []),
        (member(GHOST, "invite"), ["irc"]),
        (TEXT, []),
        (member(GHOST, "join", GHOST), ["irc"]),
        (TEXT, ["irc"]),
        (member(GHOST, "leave", GHOST), ["irc"]),
        (TEXT, []),
        (member(GHOST, "ban"), ["irc"]),
    )
    for seq, (item, expected) in enumerate(steps, start=1):
        assert room.follow(item, seq) == expected, seq
        assert room.seq == seq


def test_users_of_other_servers_are_in_no_namespace() -> None:
    room = interest(service("irc", users="@"), members=("@_irc_x:elsewhere.org",))
    assert not room.is_any
    assert room.follow(event("@_irc_x:elsewhere.org", "m.x", {}), 1) == []
    assert room.follow(event(ROMEO, "m.x", {}, "@_irc_x:elsewhere.org"), 2) == ["irc"]  # of romeo


def test_the_sender_of_a_service_counts_without_a_namespace() -> None:
    room = interest(service("irc"), members=("@irc:firn.test",))
    assert room.follow(TEXT, 1) == ["irc"]


def test_any_state_about_a_user_is_told_though_it_is_no_membership() -> None:
    room = interest(service("irc", users="@_irc_"))
    assert room.follow(event(ROMEO, "m.odd", {}, GHOST), 1) == ["irc"]


def test_rooms_and_aliases_and_each_service_for_itself() -> None:
    by_id = service("by_id", rooms="!ver")
    by_alias = service("by_alias", aliases="#log")
    room = interest(by_id, by_alias, service("nobody", users="@_x_"))
    assert room.follow(TEXT, 1) == ["by_id"]
    room.aliases = ["#other:firn.test", "#log:firn.test"]
    assert room.follow(TEXT, 2) == ["by_id", "by_alias"]
    assert not interest(service("nobody", users="@_x_")).is_any
