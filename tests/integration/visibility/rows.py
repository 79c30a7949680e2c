"""One row for each route that reads rooms: what to ask in a story, and what must come of it.

Each expectation follows from the oracle alone. An answer must hold every text of `has`, and of
the story's other texts and event ids none but those of `may`: not in any part of its bytes (I8).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from tests.integration.visibility.oracle import BANNED, INVITED, JOINED, KNOCKED, LEFT, NEVER

if TYPE_CHECKING:
    from tests.integration.visibility.stories import Story

OK, FORBIDDEN, NOT_FOUND = 200, 403, 404
MESSAGES: Final = ("said", "replied", "answered")
TIMELINE: Final = json.dumps(
    {"room": {"include_leave": True, "timeline": {"limit": 100}, "state": {"limit": 100}}}
)


@dataclass(frozen=True)
class Ask:
    """A request and what it must be answered: `path` lies under the client API's v3.

    `lacks` are further texts that must not be in the answer.
    """

    path: str
    status: int = OK
    has: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    lacks: frozenset[str] = frozenset()
    method: str = "GET"
    body: dict[str, Any] | None = None
    query: dict[str, Any] = field(default_factory=dict)


Row = Callable[["Story"], Iterable[Ask]]


def texts(story: Story, stages: Iterable[str], *what: str) -> frozenset[str]:
    """The texts that were sent in some stages."""
    return frozenset(story.text(kind, stage) for stage in stages for kind in what)


def secrets(story: Story) -> frozenset[str]:
    """All that a reader must not learn, unless the table allows it.

    The message of the first stage is named by all replies to it, so its id is no secret.
    """
    said = [e for stage, e in story.said.items() if stage != story.case.stages[0]]
    named = texts(story, story.case.stages, *MESSAGES, "topic")
    return named | {*said, *story.replied.values(), story.late}


def events(story: Story) -> frozenset[str]:
    """Texts and ids of the events that the reader may see, and the state that they replaced.

    Before each of them stands one that may be seen too, so the state before it is no secret.
    """
    return _sent(story, story.case.visible) | past_state(story)


def _sent(story: Story, stages: Iterable[str]) -> frozenset[str]:
    chosen = tuple(stages)
    ids = {found[stage] for found in (story.said, story.replied) for stage in chosen}
    return texts(story, chosen, *MESSAGES, "topic") | ids


def state(story: Story) -> frozenset[str]:
    """What the state has that the reader may see."""
    stage = story.case.state_stage
    if stage is None:
        return frozenset()
    return texts(story, [stage], "topic") | _late(story)


def _late(story: Story) -> frozenset[str]:
    """Who joined in the last stage, where the reader may see the room as it is in the end."""
    return frozenset({story.late} if story.case.state_stage == story.case.stages[-1] else ())


def past_state(story: Story) -> frozenset[str]:
    """What states of earlier times may show: the topics up to where the reader's view ends."""
    stage = story.case.state_stage
    if stage is None:
        return frozenset()
    stages = story.case.stages
    return texts(story, stages[: stages.index(stage) + 1], "topic") | _late(story)


def refusing(story: Story, status: int = FORBIDDEN) -> int:
    """200 for who may read the room."""
    return OK if story.case.may_read else status


def in_room(story: Story, rest: str, version: str = "v3") -> str:
    """A path under the room."""
    return f"/_matrix/client/{version}/rooms/{quote(story.room, safe='')}/{rest}"


def messages(story: Story) -> Iterable[Ask]:
    """A page in each direction."""
    seen = texts(story, story.case.visible, *MESSAGES, "topic")
    for direction in "bf":
        query = {"dir": direction, "limit": 100}
        may = events(story)
        yield Ask(in_room(story, "messages"), refusing(story), seen, may, query=query)


def context(story: Story) -> Iterable[Ask]:
    """Around every message, seen or not."""
    for stage in story.case.stages:
        path = in_room(story, f"context/{quote(story.said[stage])}")
        if stage in story.case.visible:
            seen = texts(story, story.case.visible, *MESSAGES)
            yield Ask(path, OK, seen, events(story), query={"limit": 100})
        else:
            yield Ask(path, refusing(story, FORBIDDEN) if not story.case.may_read else NOT_FOUND)


def event(story: Story) -> Iterable[Ask]:
    """Every message and reply; what may not be seen is not there."""
    for sent, what in ((story.said, "said"), (story.replied, "replied")):
        for stage, event_id in sent.items():
            seen = stage in story.case.visible
            has = texts(story, [stage], what) if seen else frozenset()
            status = OK if seen else NOT_FOUND
            yield Ask(in_room(story, f"event/{quote(event_id)}"), status, has, events(story))


def whole_state(story: Story) -> Iterable[Ask]:
    """The state where the reader's view ends."""
    yield Ask(in_room(story, "state"), refusing(story), state(story))


def one_state(story: Story) -> Iterable[Ask]:
    """One key that everybody has, and one that came in the last stage."""
    topic = state(story) - {story.late}
    yield Ask(in_room(story, "state/m.room.topic"), refusing(story), topic)
    path = in_room(story, f"state/m.room.member/{quote(story.late)}")
    status = OK if story.late in state(story) else refusing(story, FORBIDDEN)
    if story.case.may_read and story.late not in state(story):
        status = NOT_FOUND
    yield Ask(path, status, query={"format": "event"}, has=frozenset(state(story) & {story.late}))


def members(story: Story) -> Iterable[Ask]:
    """Members where the reader's view ends."""
    yield Ask(in_room(story, "members"), refusing(story), state(story) & {story.late})


def joined_members(story: Story) -> Iterable[Ask]:
    """For who is in the room alone."""
    joined = story.case.is_joined
    has = frozenset({story.late} if joined else ())
    yield Ask(in_room(story, "joined_members"), OK if joined else FORBIDDEN, has)


def relations(rest: str) -> Row:
    """What relates to every message, of a message that may not be seen nothing."""

    def asks(story: Story) -> Iterable[Ask]:
        stages, visible = story.case.stages, story.case.visible
        for stage in stages:
            path = in_room(story, f"relations/{quote(story.said[stage])}{rest}", "v1")
            if stage not in visible:
                yield Ask(path, NOT_FOUND)
                continue
            has = texts(story, [stage], "answered")
            if stage == stages[0]:
                has |= texts(story, visible, "replied")
            yield Ask(path, OK, has, events(story), query={"limit": 100})

    return asks


def threads(story: Story) -> Iterable[Ask]:
    """The threads whose first message may be seen."""
    roots = texts(story, story.case.visible, "said")
    yield Ask(in_room(story, "threads", "v1"), refusing(story), roots, events(story))


def at_time(story: Story) -> Iterable[Ask]:
    """From each stage, both ways: whatever is found may be seen."""
    for direction, stage in (("b", story.case.stages[-1]), ("f", story.case.stages[0])):
        query = {"dir": direction, "ts": story.sent_at[stage]}
        path = in_room(story, "timestamp_to_event", "v1")
        yield Ask(path, refusing(story), may=events(story), query=query)


def hierarchy(story: Story) -> Iterable[Ask]:
    """A space shows itself to who is concerned, and to everybody where the world may read."""
    shown = _shows_itself(story)
    has = texts(story, story.case.stages[-1:], "topic") if shown else frozenset()
    yield Ask(in_room(story, "hierarchy", "v1"), OK if shown else FORBIDDEN, has)


def summary(prefix: str) -> Row:
    """So does a room's summary, by id and by alias."""

    def asks(story: Story) -> Iterable[Ask]:
        shown = _shows_itself(story)
        has = texts(story, story.case.stages[-1:], "topic") if shown else frozenset()
        for name in (story.room, story.alias):
            yield Ask(f"{prefix}/{quote(name, safe='')}", OK if shown else NOT_FOUND, has)

    return asks


def _shows_itself(story: Story) -> bool:
    return story.case.is_open or story.case.membership in (INVITED, KNOCKED, JOINED)


def search(story: Story) -> Iterable[Ask]:
    """What the reader may see is found where the room is asked for, in own rooms always."""
    visible = texts(story, story.case.visible, *MESSAGES, "topic")
    own = visible if story.case.was_joined else frozenset()
    asked: tuple[tuple[dict[str, Any], frozenset[str]], ...] = (
        ({"rooms": [story.room]}, visible),
        ({}, own),
    )
    for wanted, found in asked:
        term = {
            "search_term": story.mark,
            "filter": {**wanted, "limit": 100},
            "event_context": {"before_limit": 100, "after_limit": 100},
        }
        body = {"search_categories": {"room_events": term}}
        may = events(story) if found else frozenset[str]()
        yield Ask("/search", OK, found, may, method="POST", body=body)


def notifications(story: Story) -> Iterable[Ask]:
    """What one was in the room for, while one is."""
    has = frozenset[str]()
    if story.case.is_joined:
        has = texts(story, ["last"], *MESSAGES)
    yield Ask("/notifications", OK, has, events(story) if has else frozenset(), query={"limit": 50})


def aliases(story: Story) -> Iterable[Ask]:
    """For members, and where the world may read."""
    shown = story.case.is_joined or story.case.is_open
    status = OK if shown else FORBIDDEN
    yield Ask(in_room(story, "aliases"), status, frozenset({story.alias} if shown else ()))


def sync(story: Story) -> Iterable[Ask]:
    """One's rooms: of those left all up to the end, of those one is asked into what they show."""
    membership, visible = story.case.membership, story.case.visible
    has, may = frozenset[str](), frozenset[str]()
    if membership in (INVITED, KNOCKED):
        has = texts(story, ["last"], "topic")
    elif story.case.was_joined:
        if membership in (LEFT, BANNED):
            visible = tuple(stage for stage in visible if stage != "last")
            earlier = story.case.stages[:-1]
            may = _sent(story, visible) | texts(story, earlier, "topic")
        else:
            may = events(story)
        has = texts(story, visible, *MESSAGES)
    yield Ask("/sync", OK, has, may, query={"filter": TIMELINE})


def joined_rooms(story: Story) -> Iterable[Ask]:
    """Ids of rooms, of those one is in."""
    yield _listing("/joined_rooms", story)


def mutual_rooms(path: str) -> Row:
    """With who made the room: it is shared by who is in it."""

    def asks(story: Story) -> Iterable[Ask]:
        yield _listing(path, story, user_id="@romeo:firn.test")

    return asks


def _listing(path: str, story: Story, **query: Any) -> Ask:
    room, nothing = frozenset({story.room}), frozenset[str]()
    has, lacks = (room, nothing) if story.case.is_joined else (nothing, room)
    return Ask(path, OK, has, lacks=lacks, query=query)


def public_rooms(method: str) -> Row:
    """None of these rooms was published."""

    def asks(_story: Story) -> Iterable[Ask]:
        yield Ask("/publicRooms", method=method, body={} if method == "POST" else None)

    return asks


def room_initial_sync(story: Story) -> Iterable[Ask]:
    """The newest events and the state where the reader's view ends."""
    has = texts(story, story.case.visible, *MESSAGES) | state(story)
    path = in_room(story, "initialSync")
    yield Ask(path, refusing(story), has, events(story), query={"limit": 100})


def initial_sync(story: Story) -> Iterable[Ask]:
    """As /sync tells it, but of an invitation only that it is there."""
    query = {"limit": 100, "archived": "true"}
    if story.case.was_joined:
        (told,) = sync(story)
        yield Ask("/initialSync", OK, told.has, told.may, query=query)
    else:
        yield Ask("/initialSync", OK, query=query)


def event_stream(story: Story) -> Iterable[Ask]:
    """One's own from now on, which is nothing here; a room's from its beginning."""
    yield Ask("/events")
    query = {"room_id": story.room, "from": "t1_0-0a"}
    has = texts(story, story.case.visible, *MESSAGES, "topic")
    yield Ask("/events", refusing(story), has, events(story), query=query)


def found_event(story: Story) -> Iterable[Ask]:
    """Without its room's name an event is found by those who have to do with the room."""
    for stage, event_id in story.said.items():
        seen = stage in story.case.visible and story.case.membership != NEVER
        has = texts(story, [stage], "said") if seen else frozenset[str]()
        yield Ask(f"/events/{quote(event_id)}", OK if seen else NOT_FOUND, has, events(story))


_V1, _V3 = "/_matrix/client/v1/rooms/{roomId}", "/_matrix/client/v3/rooms/{roomId}"
_SUMMARY = "/_matrix/client/v1/room_summary"
_OLD_SUMMARY = "/_matrix/client/unstable/im.nheko.summary/summary"
_RELATIONS = f"{_V1}/relations/{{eventId}}"

_MUTUAL = "/_matrix/client/v1/mutual_rooms"
_OLD_MUTUAL = "/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms"

ROWS: Final[dict[tuple[str, str], Row]] = {
    ("GET", _MUTUAL): mutual_rooms(_MUTUAL),
    ("GET", _OLD_MUTUAL): mutual_rooms(_OLD_MUTUAL),
    ("GET", "/_matrix/client/v3/initialSync"): initial_sync,
    ("GET", "/_matrix/client/v3/events"): event_stream,
    ("GET", "/_matrix/client/v3/events/{eventId}"): found_event,
    ("GET", f"{_V3}/initialSync"): room_initial_sync,
    ("GET", "/_matrix/client/v3/sync"): sync,
    ("GET", "/_matrix/client/v3/joined_rooms"): joined_rooms,
    ("GET", "/_matrix/client/v3/notifications"): notifications,
    ("POST", "/_matrix/client/v3/search"): search,
    ("GET", "/_matrix/client/v3/publicRooms"): public_rooms("GET"),
    ("POST", "/_matrix/client/v3/publicRooms"): public_rooms("POST"),
    ("GET", f"{_SUMMARY}/{{roomIdOrAlias}}"): summary(_SUMMARY),
    ("GET", f"{_OLD_SUMMARY}/{{roomIdOrAlias}}"): summary(_OLD_SUMMARY),
    ("GET", f"{_V1}/hierarchy"): hierarchy,
    ("GET", f"{_V1}/threads"): threads,
    ("GET", f"{_V1}/timestamp_to_event"): at_time,
    ("GET", _RELATIONS): relations(""),
    ("GET", f"{_RELATIONS}/{{relType}}"): relations("/m.thread"),
    ("GET", f"{_RELATIONS}/{{relType}}/{{eventType}}"): relations("/m.thread/m.room.message"),
    ("GET", f"{_V3}/aliases"): aliases,
    ("GET", f"{_V3}/context/{{eventId}}"): context,
    ("GET", f"{_V3}/event/{{eventId}}"): event,
    ("GET", f"{_V3}/joined_members"): joined_members,
    ("GET", f"{_V3}/members"): members,
    ("GET", f"{_V3}/messages"): messages,
    ("GET", f"{_V3}/state"): whole_state,
    ("GET", f"{_V3}/state/{{eventType}}/{{stateKey?}}"): one_state,
}
