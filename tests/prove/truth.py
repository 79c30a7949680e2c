"""What the server says when all is over: against this the history is checked."""

from __future__ import annotations

from dataclasses import dataclass, field

JOIN = "join"


@dataclass(frozen=True, slots=True)
class Placed:
    """An event of a room's log; `member` is (user, membership) of a member event."""

    event_id: str
    sender: str = ""
    label: str = ""
    member: tuple[str, str] = ("", "")
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """A room as somebody was shown it by `way`, in order."""

    room: str
    user: str
    way: str
    ids: tuple[str, ...]


@dataclass(slots=True)
class Truth:
    """The rooms' logs, and who looked at them.

    `users` are the users of devices. In `closed` rooms one sees only what was sent while one
    was joined. `settled` are the users who were in all rooms from before the run to its end.
    """

    rooms: dict[str, list[Placed]]
    users: dict[str, str] = field(default_factory=dict)
    settled: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    views: list[View] = field(default_factory=list)

    def visible(self, room: str, user: str) -> list[str]:
        """What a user may see of a closed room, or of one that they were never in."""
        seen: list[str] = []
        joined = False
        for event in self.rooms[room]:
            was, own = joined, event.member[0] == user
            joined = event.member[1] == JOIN if own else joined
            if was or joined:
                seen.append(event.event_id)
        return seen
