"""What the server says when all is over: against this the history is checked."""

from __future__ import annotations

from dataclasses import dataclass, field

JOIN = "join"
SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Placed:
    """An event of a room's log.

    `member` is (user, membership) of a member event, `visibility` what one of the room's
    history visibility sets: `shared` or `joined`. `place` is where it stands in the writers'
    logs: slot and position.
    """

    event_id: str
    sender: str = ""
    label: str = ""
    member: tuple[str, str] = ("", "")
    redacted: bool = False
    visibility: str = ""
    place: tuple[int, int] = (0, 0)


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

    `users` are the users of devices. `settled` are those who were in all rooms from before
    the run to its end.
    """

    rooms: dict[str, list[Placed]]
    users: dict[str, str] = field(default_factory=dict)
    settled: frozenset[str] = frozenset()
    views: list[View] = field(default_factory=list)

    def visible(self, room: str, user: str) -> list[str]:
        """What a user may see: what was sent while they were joined, and while all was shared.

        Who never joined sees nothing.
        """
        seen: list[str] = []
        joined, shared, ever = False, True, False
        for event in self.rooms[room]:
            was = joined or shared
            joined = event.member[1] == JOIN if event.member[0] == user else joined
            shared = event.visibility == SHARED if event.visibility else shared
            ever = ever or joined
            if was or joined:
                seen.append(event.event_id)
        return seen if ever else []
