"""Whose invitations a user wants."""

from __future__ import annotations

import time
from typing import Any

import pytest

from homeserver.domain.rooms.invite_permission import (
    CONFIG,
    FILTERS,
    UNSTABLE_CONFIG,
    Wish,
    wish_about,
)

ALLOW, IGNORE, BLOCK = Wish.ALLOW, Wish.IGNORE, Wish.BLOCK
MALLORY = "@mallory:evil.example"


@pytest.mark.parametrize(
    ("lists", "wish"),
    [
        ({}, ALLOW),
        ({"blocked_users": [MALLORY]}, BLOCK),
        ({"blocked_users": ["@mal*:evil.example"]}, BLOCK),
        ({"blocked_users": ["@bob:evil.example"]}, ALLOW),
        ({"ignored_users": [MALLORY], "blocked_users": [MALLORY]}, IGNORE),
        ({"allowed_users": [MALLORY], "blocked_servers": ["*"]}, ALLOW),
        ({"blocked_servers": ["*.example"]}, BLOCK),
        ({"blocked_servers": ["example"]}, ALLOW),
        ({"ignored_servers": ["evil.example"], "blocked_servers": ["*"]}, IGNORE),
        ({"allowed_servers": ["evil.example"], "ignored_servers": ["*"]}, ALLOW),
        ({"allowed_servers": ["*"], "blocked_users": [MALLORY]}, BLOCK),
        ({"enabled": False, "blocked_servers": ["*"]}, ALLOW),
        ({"enabled": True, "blocked_servers": ["*"]}, BLOCK),
        ({"allowed_users": ["@mal?ory:*"], "ignored_users": ["*"], "blocked_users": ["*"]}, ALLOW),
        ({"allowed_servers": [MALLORY], "blocked_users": ["evil.example"]}, ALLOW),
        ({"blocked_servers": ["EVIL.example"]}, BLOCK),
    ],
)
def test_the_first_list_that_names_the_inviter_decides(lists: dict[str, Any], wish: Wish) -> None:
    assert wish_about(MALLORY, {FILTERS: lists}) is wish


@pytest.mark.parametrize(
    "lists",
    [
        {"blocked_servers": "*"},
        {"blocked_servers": [5, "*"]},
        {"blocked_servers": ["*"], "allowed_users": None},
        {"blocked_servers": ["*"], "ignored_users": [[]]},
        {"blocked_servers": ["*"], "enabled": "yes"},
    ],
)
def test_E8_one_value_of_a_wrong_form_makes_the_lists_invalid(lists: dict[str, Any]) -> None:
    assert wish_about(MALLORY, {FILTERS: lists}) is ALLOW


@pytest.mark.parametrize(
    ("inviter", "pattern", "wish"),
    [
        ("@a:evil.example:8448", "evil.example", BLOCK),
        ("@a:evil.example:8448", "evil.example:8448", ALLOW),
        ("@a:evil.example:8448", "*.example", BLOCK),
        ("@a:[::1]:8448", "[::1]", BLOCK),
        ("@a:[::1]", "[::1]", BLOCK),
    ],
)
def test_ports_do_not_count_for_servers(inviter: str, pattern: str, wish: Wish) -> None:
    assert wish_about(inviter, {FILTERS: {"blocked_servers": [pattern]}}) is wish
    users = {"blocked_users": [inviter]}
    assert wish_about(inviter, {FILTERS: users}) is BLOCK


def test_ignored_users_come_before_the_lists_and_after_blocking_all() -> None:
    lists = {FILTERS: {"allowed_users": [MALLORY]}}
    assert wish_about(MALLORY, {}, ignored=True) is IGNORE
    assert wish_about(MALLORY, lists, ignored=True) is IGNORE
    lists = {FILTERS: {"blocked_users": [MALLORY]}}
    assert wish_about(MALLORY, lists, ignored=True) is IGNORE
    blocking = {CONFIG: {"default_action": "block"}}
    assert wish_about(MALLORY, {**lists, **blocking}, ignored=True) is BLOCK


@pytest.mark.parametrize("kind", [CONFIG, UNSTABLE_CONFIG])
def test_blocking_all_comes_before_the_lists(kind: str) -> None:
    configs = {kind: {"default_action": "block"}, FILTERS: {"allowed_users": [MALLORY]}}
    assert wish_about(MALLORY, configs) is BLOCK
    assert wish_about(MALLORY, {**configs, kind: {"default_action": "sing"}}) is ALLOW


@pytest.mark.parametrize("content", [None, [], "block", 5])
def test_what_is_no_object_wants_nothing(content: Any) -> None:
    assert wish_about(MALLORY, {CONFIG: content, FILTERS: content}) is ALLOW


def test_E8_hostile_lists_cost_bounded_time() -> None:
    patterns = ["*a*a*a*a*?b"] * 6000
    lists = {"ignored_users": patterns, "blocked_users": [*patterns, "@Last:evil.example"]}
    started = time.perf_counter()
    assert wish_about("@" + "a" * 200 + ":a.example", {FILTERS: lists}) is ALLOW
    assert time.perf_counter() - started < 1
    assert wish_about("@last:evil.example", {FILTERS: lists}) is BLOCK  # plain ids all count
