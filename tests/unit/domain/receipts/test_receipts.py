"""Receipts never go back, and private ones never leave their user."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeserver.domain.receipts.receipts import (
    FULLY_READ,
    READ,
    READ_PRIVATE,
    Receipt,
    check_receipt_type,
    check_thread_of_event,
    federated_contents,
    parse_thread_id,
    receipt_contents,
)
from homeserver.domain.shared.errors import InvalidParamError
from homeserver.domain.sync.position import RoomPosition

ALICE, BOB = "@alice:x", "@bob:x"


def receipt(
    seq: int, user: str = ALICE, kind: str = READ, thread: str | None = None, back: int = 0
) -> Receipt:
    return Receipt(user, kind, f"$e{seq}", RoomPosition(seq, back), 1000 + seq, thread)


def test_a_receipt_replaces_only_an_older_one() -> None:
    assert receipt(5).replaces(None)
    assert receipt(5).replaces(receipt(4))
    assert receipt(5).replaces(receipt(5, back=-1))
    assert not receipt(5).replaces(receipt(5))
    assert not receipt(4).replaces(receipt(5))


def test_kinds_and_threads_are_kept_apart() -> None:
    kept = [receipt(1), receipt(1, kind=READ_PRIVATE), receipt(1, thread="main"), receipt(1, BOB)]
    assert len({each.key for each in kept}) == len(kept)


def test_private_receipts_reach_their_own_user_alone() -> None:
    both = [receipt(3), receipt(4, kind=READ_PRIVATE)]
    assert receipt_contents(both, BOB) == [{"$e3": {READ: {ALICE: {"ts": 1003}}}}]
    assert receipt_contents(both, ALICE) == [
        {"$e3": {READ: {ALICE: {"ts": 1003}}}, "$e4": {READ_PRIVATE: {ALICE: {"ts": 1004}}}}
    ]


def test_receipts_of_a_room_are_batched_by_thread() -> None:
    receipts = [receipt(3), receipt(3, BOB), receipt(3, thread="main"), receipt(3, thread="$r")]
    assert receipt_contents(receipts, BOB) == [
        {"$e3": {READ: {ALICE: {"ts": 1003}, BOB: {"ts": 1003}}}},
        {"$e3": {READ: {ALICE: {"ts": 1003, "thread_id": "main"}}}},
        {"$e3": {READ: {ALICE: {"ts": 1003, "thread_id": "$r"}}}},
    ]


def test_nothing_to_tell_is_no_event() -> None:
    assert receipt_contents([receipt(3, kind=READ_PRIVATE)], BOB) == []


def test_other_servers_get_public_receipts_alone() -> None:
    receipts = [receipt(3, thread="$r"), receipt(4, kind=READ_PRIVATE)]
    data = {"ts": 1003, "thread_id": "$r"}
    assert federated_contents("!r", receipts) == [
        {"!r": {READ: {ALICE: {"event_ids": ["$e3"], "data": data}}}}
    ]


@pytest.mark.parametrize("thread_id", [None, 1, "", "root", [], "!r:x"])
def test_a_thread_id_must_be_main_or_an_event_id(thread_id: Any) -> None:
    with pytest.raises(InvalidParamError):
        parse_thread_id(thread_id, READ)


def test_thread_ids() -> None:
    assert parse_thread_id("main", READ) == "main"
    assert parse_thread_id("$r", READ_PRIVATE) == "$r"
    with pytest.raises(InvalidParamError):
        parse_thread_id("main", FULLY_READ)


def test_the_event_must_be_in_the_thread() -> None:
    check_thread_of_event(None, "$e", "$r")
    check_thread_of_event("$r", "$e", "$r")
    check_thread_of_event("$e", "$e", "main")
    for thread_id, event_thread in (("main", "$r"), ("$r", "main"), ("$q", "$r")):
        with pytest.raises(InvalidParamError):
            check_thread_of_event(thread_id, "$e", event_thread)


def test_unknown_types_are_refused() -> None:
    check_receipt_type(READ_PRIVATE)
    with pytest.raises(InvalidParamError):
        check_receipt_type("m.unread")


@given(st.permutations([receipt(seq, back=back) for seq in (1, 2, 3) for back in (-1, 0)]))
def test_in_whatever_order_receipts_come_the_furthest_stays(receipts: list[Receipt]) -> None:
    stored: Receipt | None = None
    for each in receipts:
        stored = each if each.replaces(stored) else stored
    assert stored is not None
    assert stored.position == RoomPosition(3)
