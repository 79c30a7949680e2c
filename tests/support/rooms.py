"""Rooms for tests: events under readable ids, without hashes or signatures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from homeserver.domain.events.event import Event
from homeserver.domain.rooms.auth import AuthFailure, auth_types_for, check_auth
from homeserver.domain.rooms.resolution import MissingEventError

if TYPE_CHECKING:
    from homeserver.domain.rooms.auth import Signatures
    from homeserver.domain.rooms.versions import RoomVersion

ALICE, BOB, CAROL, DAVE = (
    "@alice:a.example",
    "@bob:b.example",
    "@carol:c.example",
    "@dave:d.example",
)


def make_event(event_id: str, event_type: str, sender: str, **fields: Any) -> Event:
    """Build an event; what is not named is empty."""
    values: dict[str, Any] = {
        "room_id": "!room:a.example",
        "state_key": None,
        "content": {},
        "origin_server_ts": 0,
        "depth": 1,
        "auth_events": (),
        "prev_events": (),
        "json": b"",
        **fields,
    }
    return Event(event_id=event_id, type=event_type, sender=sender, **values)


@dataclass
class MemoryEvents:
    """An event source over a dict."""

    events: dict[str, Event] = field(default_factory=dict)
    rejected: set[str] = field(default_factory=set)

    def get(self, event_id: str) -> Event:
        """Return the event or raise MissingEventError."""
        try:
            return self.events[event_id]
        except KeyError:
            raise MissingEventError(event_id) from None

    def is_rejected(self, event_id: str) -> bool:
        """Whether the event was marked as rejected."""
        return event_id in self.rejected

    def add(self, *events: Event) -> None:
        """Add events."""
        self.events.update({event.event_id: event for event in events})


@dataclass
class TestRoom:
    """A room with one line of state, for the rules."""

    __test__ = False

    version: RoomVersion
    state: dict[tuple[str, str], Event] = field(default_factory=dict)
    count: int = 0

    @classmethod
    def founded(cls, version: RoomVersion, **content: Any) -> TestRoom:
        """Return a room that Alice created and joined."""
        room = cls(version)
        if version.creator_in_create_content:
            content.setdefault("creator", ALICE)
        room.put("m.room.create", ALICE, content, prev_events=())
        room.put("m.room.member", ALICE, {"membership": "join"}, key=ALICE)
        return room

    def event(
        self,
        event_type: str,
        sender: str,
        content: dict[str, Any],
        key: str | None = "",
        **fields: Any,
    ) -> Event:
        """Return an event on top of the room's state."""
        self.count += 1
        create = self.state.get(("m.room.create", ""))
        by_hash = self.version.room_id_is_create_hash
        create_id = create.event_id if create else f"${self.count}"
        selected = auth_types_for(self.version, event_type, key, sender, content)
        fields.setdefault("prev_events", (f"${self.count - 1}",))
        fields.setdefault("room_id", "!" + create_id[1:] if by_hash else "!room:a.example")
        fields.setdefault(
            "auth_events",
            tuple(self.state[k].event_id for k in selected if k in self.state),
        )
        return make_event(
            f"${self.count}",
            event_type,
            sender,
            content=content,
            state_key=key,
            origin_server_ts=self.count,
            **fields,
        )

    def put(self, *args: Any, **fields: Any) -> Event:
        """Set state without asking the rules."""
        event = self.event(*args, **fields)
        assert event.state_key is not None
        self.state[event.type, event.state_key] = event
        return event

    def members(self, **memberships: str) -> TestRoom:
        """Set memberships: `members(bob="join")`."""
        for name, membership in memberships.items():
            user = f"@{name}:{name[0]}.example"
            self.put("m.room.member", user, {"membership": membership}, key=user)
        return self

    def levels(self, **content: Any) -> TestRoom:
        """Set power levels; where the version needs it, Alice has 100."""
        users = content.pop("users", {})
        if not self.version.privileged_creators:
            users = {ALICE: 100, **users}
        self.put("m.room.power_levels", ALICE, {"users": users, **content})
        return self

    def join_rule(self, rule: str, **content: Any) -> TestRoom:
        """Set the join rule."""
        self.put("m.room.join_rules", ALICE, {"join_rule": rule, **content})
        return self

    def check(self, event: Event, signatures: Signatures | None = None) -> AuthFailure | None:
        """Ask the rules."""
        if signatures is None:
            return check_auth(self.version, event, self.state)
        return check_auth(self.version, event, self.state, signatures=signatures)

    def rule(self, *args: Any, signatures: Signatures | None = None, **fields: Any) -> str | None:
        """Return the number of the rule that refuses such an event, None if it is allowed."""
        failure = self.check(self.event(*args, **fields), signatures)
        return None if failure is None else failure.rule.partition(":")[2]

    def member_rule(
        self,
        sender: str,
        target: str,
        membership: str,
        signatures: Signatures | None = None,
        **content: Any,
    ) -> str | None:
        """Return the rule that refuses a change of membership."""
        content["membership"] = membership
        return self.rule("m.room.member", sender, content, key=target, signatures=signatures)
