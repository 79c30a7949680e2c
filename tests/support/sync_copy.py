"""What a client makes of its syncs, and the comparison with one that starts now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

Json = dict[str, Any]
IGNORED_USERS = "m.ignored_user_list"


@dataclass
class Lists:
    """Under which lists of ignored users answers were made: runs, each with its last token."""

    runs: list[tuple[str, frozenset[str]]] = field(default_factory=list)

    def note(self, token: str, ignored: frozenset[str]) -> None:
        """Take in an answer."""
        if self.runs and self.runs[-1][1] == ignored:
            self.runs.pop()
        self.runs.append((token, ignored))

    def since(self, covers: Callable[[str], bool]) -> list[frozenset[str]]:
        """The lists of the first answer whose token covers something, and of those after it."""
        first = next((n for n, (token, _) in enumerate(self.runs) if covers(token)), None)
        return [] if first is None else [ignored for _, ignored in self.runs[first:]]


@dataclass
class RoomCopy:
    """One room on a client. `delivered` are all timeline events, `timeline` those since a gap.

    `lists` are those of the answers since that gap, `authors` the senders of what is no state.
    """

    delivered: list[str] = field(default_factory=list)
    timeline: list[str] = field(default_factory=list)
    state: dict[tuple[str, str], str] = field(default_factory=dict)
    receipts: dict[tuple[str, str, str], str] = field(default_factory=dict)
    account_data: dict[str, Json] = field(default_factory=dict)
    typing: list[str] = field(default_factory=list)
    unread: Json = field(default_factory=dict)
    summary: Json = field(default_factory=dict)
    senders: set[str] = field(default_factory=set)
    authors: dict[str, str] = field(default_factory=dict)
    lists: Lists = field(default_factory=Lists)

    def apply(self, part: Json) -> None:
        """Take in an entry of `join` or `leave`."""
        events = part["timeline"]["events"]
        if part["timeline"]["limited"]:
            self.timeline, self.senders, self.lists = [], set(), Lists()
        self.delivered += [e["event_id"] for e in events]
        self.timeline += [e["event_id"] for e in events]
        self.senders |= {e["sender"] for e in events}
        self.authors |= {e["event_id"]: e["sender"] for e in events if "state_key" not in e}
        told = part["state_after"]["events"] if "state_after" in part else None
        for event in [*part["state"]["events"], *events] if told is None else told:
            if "state_key" in event:
                self.state[event["type"], event["state_key"]] = event["event_id"]
        for event in part.get("ephemeral", {}).get("events", []):
            self._ephemeral(event)
        for event in part.get("account_data", {}).get("events", []):
            self.account_data[event["type"]] = event["content"]
        if "unread_notifications" in part:
            threads = part.get("unread_thread_notifications", {})
            self.unread = {"main": part["unread_notifications"], **threads}
        self.summary.update(part.get("summary", {}))

    def _ephemeral(self, event: Json) -> None:
        if event["type"] == "m.typing":
            self.typing = event["content"]["user_ids"]
            return
        for event_id, kinds in event["content"].items():
            for kind, users in kinds.items():
                for user, data in users.items():
                    self.receipts[user, kind, data.get("thread_id", "")] = event_id


@dataclass
class Copy:
    """All that a client of `user_id` knows."""

    user_id: str = ""
    joined: dict[str, RoomCopy] = field(default_factory=dict)
    left: dict[str, RoomCopy] = field(default_factory=dict)
    invited: dict[str, list[Json]] = field(default_factory=dict)
    knocked: dict[str, list[Json]] = field(default_factory=dict)
    presence: dict[str, str] = field(default_factory=dict)
    account_data: dict[str, Json] = field(default_factory=dict)
    lists: Lists = field(default_factory=Lists)

    @property
    def ignored(self) -> frozenset[str]:
        """Whom the user ignores, as far as this client was told; nobody ignores themselves."""
        content = self.account_data.get(IGNORED_USERS, {})
        return frozenset(content.get("ignored_users", {})) - {self.user_id}

    def apply(self, answer: Json) -> Copy:
        """Take in an answer."""
        for event in answer.get("account_data", {}).get("events", []):
            self.account_data[event["type"]] = event["content"]
        for event in answer.get("presence", {}).get("events", []):
            self.presence[event["sender"]] = event["content"]["presence"]
        rooms = answer.get("rooms", {})
        assert all(rooms.values()), "an empty section"
        for room, part in rooms.get("join", {}).items():
            self.invited.pop(room, None)
            self.knocked.pop(room, None)
            self.left.pop(room, None)
            self.joined.setdefault(room, RoomCopy()).apply(part)
        for room, part in rooms.get("invite", {}).items():
            self._drop(room)
            self.invited[room] = part["invite_state"]["events"]
        for room, part in rooms.get("knock", {}).items():
            self._drop(room)
            self.knocked[room] = part["knock_state"]["events"]
        for room, part in rooms.get("leave", {}).items():
            self.invited.pop(room, None)
            self.knocked.pop(room, None)
            copy = self.joined.pop(room, None)
            if copy is None:  # joined and left meanwhile: told as a whole; banned: that alone
                copy = RoomCopy() if _is_whole(part) else self.left.get(room, RoomCopy())
            copy.apply(part)
            self.left[room] = copy
        for lists in (self.lists, *(copy.lists for copy in self.joined.values())):
            lists.note(answer["next_batch"], self.ignored)
        return self

    def _drop(self, room: str) -> None:
        for known in (self.left, self.joined, self.invited, self.knocked):
            known.pop(room, None)


def _is_whole(part: Json) -> bool:
    state = part["state_after"] if "state_after" in part else part["state"]
    events = (*state["events"], *part["timeline"]["events"])
    return any(event["type"] == "m.room.create" for event in events)


@dataclass(frozen=True)
class Missed:
    """What one who follows need not have, or need not lose.

    `forgotten` are rooms that the user forgot; `events` were sent by somebody whom the user
    ignored when the answer was made that would have brought them; of `either` the walk cannot
    tell; `withheld` are the rooms with an invitation by one who is ignored, or was then.
    """

    forgotten: Collection[str] = ()
    events: Collection[str] = ()
    either: Collection[str] = ()
    withheld: Collection[str] = ()


def compare(held: Copy, fresh: Copy, truth: Copy, *, lazy: bool, missed: Missed = Missed()) -> None:
    """Assert that a client that followed knows what one that starts now is told.

    `truth` is a fresh one without lazy loading. As the specification asks of clients, it hides
    what it holds by users whom it ignores now; what was `missed` it would get by starting anew.
    """
    assert held.account_data == fresh.account_data
    assert set(held.joined) == set(fresh.joined), (set(held.joined), set(fresh.joined))
    for then, now in ((held.invited, fresh.invited), (held.knocked, fresh.knocked)):
        _compare_stripped(_without(then, missed.withheld), _without(now, missed.withheld))
    assert set(fresh.left) <= set(held.left), (set(held.left), set(fresh.left))
    assert set(held.left) - set(fresh.left) <= {*missed.forgotten, *missed.withheld}
    for room, now_there in fresh.joined.items():
        then_there = held.joined[room]
        known = [e for e in then_there.timeline if e not in missed.either]
        shown = [e for e in known if then_there.authors.get(e) not in held.ignored]
        told = [e for e in now_there.timeline if e not in {*missed.events, *missed.either}]
        count = min(len(shown), len(told))
        assert shown[len(shown) - count :] == told[len(told) - count :], (shown, told)
        _compare_room(then_there, now_there, truth.joined[room], lazy=lazy)


def _without(rooms: dict[str, list[Json]], some: Collection[str]) -> dict[str, list[Json]]:
    return {room: events for room, events in rooms.items() if room not in some}


def _compare_stripped(then: dict[str, list[Json]], now: dict[str, list[Json]]) -> None:
    assert set(then) == set(now)
    for room, events in now.items():
        assert _own(then[room]) == _own(events)


def _own(events: list[Json]) -> list[str]:
    return [e["event_id"] for e in events if "event_id" in e]


def _compare_room(then: RoomCopy, now: RoomCopy, truth: RoomCopy, *, lazy: bool) -> None:
    if lazy:
        assert {k: v for k, v in then.state.items() if truth.state.get(k) != v} == {}
        assert {k for k in truth.state if k[0] != "m.room.member"} <= set(then.state)
        members = {key for kind, key in then.state if kind == "m.room.member"}
        assert then.senders & {key for _, key in truth.state} <= members
    else:
        assert then.state == now.state, _differences(then.state, now.state)
        assert now.state == truth.state, _differences(now.state, truth.state)
    assert then.receipts == now.receipts, (then.receipts, now.receipts)
    assert then.account_data == now.account_data
    assert then.typing == now.typing
    assert then.unread == now.unread, (then.unread, now.unread)
    for count_of in ("m.joined_member_count", "m.invited_member_count"):
        assert then.summary[count_of] == now.summary[count_of], count_of
    assert then.summary.get("m.heroes") == now.summary.get("m.heroes"), (then.summary, now.summary)


def _differences(
    one: dict[tuple[str, str], str], other: dict[tuple[str, str], str]
) -> dict[tuple[str, str], tuple[str | None, str | None]]:
    keys = one.keys() | other.keys()
    return {k: (one.get(k), other.get(k)) for k in keys if one.get(k) != other.get(k)}
