"""The order of a space's children."""

from __future__ import annotations

from typing import Any

import pytest

from homeserver.domain.rooms.spaces import children_of
from tests.support.rooms import ALICE, make_event


def space(**children: tuple[dict[str, Any], int]) -> list[str]:
    """The children's order; each is given as content and time."""
    state = {
        ("m.space.child", key): make_event(
            f"${key}", "m.space.child", ALICE, state_key=key, content=content, origin_server_ts=ts
        )
        for key, (content, ts) in children.items()
    }
    return [event.state_key or "" for event in children_of(state)]


def child(order: object = None) -> dict[str, Any]:
    """A child event's content."""
    return {"via": ["x.test"]} if order is None else {"via": ["x.test"], "order": order}


def test_the_example_of_the_specification() -> None:
    found = space(
        e=(child(), 1640641000000),
        c=(child("first"), 1640841000000),
        a=(child("aaaa"), 1640141000000),
        d=(child(), 1640741000000),
        b=(child(" "), 1640341000000),
    )
    assert found == ["b", "a", "c", "e", "d"]


def test_equal_orders_are_decided_by_age_and_then_by_id() -> None:
    assert space(c=(child("x"), 2), b=(child("x"), 1), a=(child("x"), 2)) == ["b", "a", "c"]
    assert space(c=(child(), 1), b=(child(), 1), a=(child(), 2)) == ["b", "c", "a"]


@pytest.mark.parametrize("order", ["", "x" * 51, "é", "a\n", "\x1f", "\x7f", 5, None, [], {"a": 1}])
def test_an_order_that_is_none_counts_as_absent(order: object) -> None:
    assert space(a=(child(order), 2), b=(child("~" * 50), 3)) == ["b", "a"]


@pytest.mark.parametrize("content", [{}, {"via": []}, {"via": "x.test"}, {"via": [5]}, {"via": {}}])
def test_without_servers_to_go_through_there_is_no_child(content: dict[str, Any]) -> None:
    assert space(a=(content, 1), b=(child(), 2)) == ["b"]


def test_suggested_is_what_says_so() -> None:
    state = {
        ("m.space.child", f"{n}"): make_event(
            f"${n}",
            "m.space.child",
            ALICE,
            state_key=f"{n}",
            content={"via": ["x.test"], "suggested": value},
        )
        for n, value in enumerate((True, False, "true", 1, None))
    }
    assert [e.state_key for e in children_of(state, suggested_only=True)] == ["0"]
