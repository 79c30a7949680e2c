"""The sync store: each event once and in order, whatever is cut, repeated or left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firn_client import Event, SyncStore
from firn_client.sync_body import Events, InvitedRoom, JoinedRoom, LeftRoom, Rooms, SyncBody
from tests.clients.python.rooms_in_memory import ROOM, Log

if TYPE_CHECKING:
    from firn_client.store import Batch

ME = "@me:x"


def take(store: SyncStore, log: Log, limit: int) -> Batch:
    """One sync with its holes filled."""
    batch = store.apply(log.sync(store.since, limit))
    for news in batch.rooms:
        while news.gap is not None and (call := news.gap.call) is not None:
            news.gap.take(log.page(call))
    return batch


def ids(store: SyncStore, batch: Batch) -> list[str]:
    return [event.event_id for event in batch.events(ME, store.recent)]


def test_the_first_sync_has_no_events_but_a_position() -> None:
    log, store = Log(), SyncStore(ME)
    log.say(5)
    batch = take(store, log, 10)
    assert ids(store, batch) == []
    store.commit(batch)
    assert store.since == "5"


def test_a_limited_timeline_is_filled_from_history() -> None:
    log, store = Log(), SyncStore(ME, "0")
    log.say(20)
    batch = take(store, log, 4)
    assert ids(store, batch) == [f"${n}" for n in range(20)]
    assert {event.room_id for event in batch.events(ME, ())} == {ROOM}


def test_a_hole_ends_at_what_is_known_where_the_server_goes_on() -> None:
    log, store = Log(heeds_to=False), SyncStore(ME, "0")
    log.say(3)
    store.commit(take(store, log, 10))
    log.say(9)
    assert ids(store, take(store, log, 2)) == [f"${n}" for n in range(3, 12)]


def test_a_batch_that_was_not_committed_comes_again() -> None:
    log, store = Log(), SyncStore(ME, "0")
    log.say(3)
    first = ids(store, take(store, log, 10))
    log.say(1)
    assert ids(store, take(store, log, 10)) == [*first, "$3"]


def test_what_an_older_store_sends_again_is_left_out() -> None:
    log, store = Log(), SyncStore(ME, "0")
    log.say(5)
    store.commit(take(store, log, 10))
    store.since = "2"  # the server was restored, and reads the token so
    assert ids(store, take(store, log, 10)) == []


@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.integers(1, 6), st.booleans(), st.booleans()), max_size=25
    )
)
def test_each_event_is_read_once_and_in_order(steps: list[tuple[int, int, bool, bool]]) -> None:
    """Steps: (events said, timeline limit, read to the end, process starts anew)."""
    log, store, read = Log(), SyncStore(ME, "0"), list[str]()
    for said, limit, finished, anew in [*steps, (0, 1, True, False)]:
        log.say(said)
        batch = take(store, log, limit)
        if finished:
            read += ids(store, batch)
            store.commit(batch)
        if anew:
            store = SyncStore(ME, store.since)
    assert read == [f"${n}" for n in range(len(log.events))]


def event(kind: str, content: dict[str, object], state_key: str | None = None) -> Event:
    return Event(type=kind, content=content, state_key=state_key)


def test_rooms_are_kept_as_the_last_sync_says() -> None:
    store = SyncStore(ME)
    news = JoinedRoom(
        state=Events([event("m.room.name", {"name": "Verona"}, state_key="")]),
        ephemeral=Events(
            [
                event("m.typing", {"user_ids": ["@a:x"]}),
                event("m.receipt", {"$1": {"m.read": {"@a:x": {"ts": 1, "thread_id": "main"}}}}),
            ]
        ),
        account_data=Events([event("m.tag", {"tags": {}})]),
        summary={"m.joined_member_count": 2},
    )
    store.apply(SyncBody("1", Rooms(join={ROOM: news})))
    joins = Events([event("m.room.member", {"membership": "join"}, state_key="@a:x")])
    store.apply(SyncBody("2", Rooms(join={ROOM: JoinedRoom(state=joins)})))
    room = store.rooms[ROOM]
    assert (room.name, room.members(), room.typing) == ("Verona", ["@a:x"], ["@a:x"])
    assert room.receipts == {("@a:x", "m.read", "main"): "$1"}
    assert room.account_data == {"m.tag": {"tags": {}}}
    assert room.summary == {"m.joined_member_count": 2}


def test_invited_then_joined_then_left() -> None:
    store = SyncStore(ME)
    invited = InvitedRoom(Events([event("m.room.name", {"name": "Verona"}, state_key="")]))
    batch = store.apply(SyncBody("1", Rooms(invite={ROOM: invited})))
    assert batch.invites == [ROOM] == list(store.invites)
    store.apply(SyncBody("2", Rooms(join={ROOM: JoinedRoom()})))
    assert (list(store.invites), list(store.rooms)) == ([], [ROOM])
    store.apply(SyncBody("3", Rooms(leave={ROOM: LeftRoom()})))
    assert (list(store.invites), list(store.rooms)) == ([], [])


@pytest.mark.parametrize("since", [None, "7"])
def test_a_process_that_goes_on_asks_for_all_state_until_it_has_it(since: str | None) -> None:
    store = SyncStore(ME, since)
    assert store.wants_full_state is (since is not None)
    store.commit(store.apply(SyncBody("8")))
    assert not store.wants_full_state
