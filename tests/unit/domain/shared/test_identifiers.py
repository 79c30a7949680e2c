"""Identifier grammars (appendices, "Identifier Grammar"; bad input D2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from homeserver.domain.shared import identifiers as ids
from homeserver.domain.shared.errors import InvalidUsernameError

if TYPE_CHECKING:
    from collections.abc import Callable

HASH = "Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ"


@pytest.mark.parametrize(
    "name",
    [
        "matrix.org",
        "matrix.org:8888",
        "1.2.3.4",
        "1.2.3.4:1234",
        "[1234:5678::abcd]",
        "[1234:5678::abcd]:5678",
        "MATRIX.ORG",
        "localhost",
    ],
)
def test_server_names_of_the_specification_are_valid(name: str) -> None:
    assert ids.is_server_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ":80",
        "a:",
        "a:123456",
        "a:b",
        "a_b",
        "a b",
        "a/b",
        "é.org",
        "a\n",
        "1.2.3.400",
        "[::1",
        "[::1]x",
        "[12345::]",
        "[1.2]",
        "a" * 256,
    ],
)
def test_other_strings_are_no_server_names(name: str) -> None:
    assert not ids.is_server_name(name)


@pytest.mark.parametrize("user_id", ["@a:b", "@A b:b:80", "@:b", "@é:b", "@a@b:c", "@a:[::1]:1"])
def test_user_ids_include_the_historical_ones(user_id: str) -> None:
    assert ids.is_user_id(user_id)


@pytest.mark.parametrize(
    "user_id",
    [
        "",
        "@",
        "@a",
        "@a:",
        "a:b",
        "!a:b",
        "@a\0:b",
        "@\ud800:b",
        "@a:b:c",
        "@" + "a" * 253 + ":b",
        "@" + "é" * 127 + ":b",
    ],
)
def test_other_strings_are_no_user_ids(user_id: str) -> None:
    assert not ids.is_user_id(user_id)


def test_a_user_id_of_exactly_255_bytes_is_valid() -> None:
    assert ids.is_user_id("@" + "é" * 126 + ":b")
    assert ids.is_user_id("@" + "a" * 252 + ":b")


@pytest.mark.parametrize("room_id", ["!a:b", "!é b:b:80", "!" + HASH])
def test_room_ids_come_with_a_domain_or_as_a_hash(room_id: str) -> None:
    assert ids.is_room_id(room_id)


@pytest.mark.parametrize(
    "room_id", ["!a", "!:b", "a:b", "!" + HASH[:-1], "!" + HASH[:-1] + "R", "!" + HASH + ":"]
)
def test_other_strings_are_no_room_ids(room_id: str) -> None:
    assert not ids.is_room_id(room_id)


def test_only_a_room_id_without_domain_is_a_hash() -> None:
    assert ids.is_hash_room_id("!" + HASH)
    assert not ids.is_hash_room_id("!a:b")
    assert not ids.is_hash_room_id("$" + HASH)


def test_a_room_id_without_hash_has_a_domain() -> None:
    assert ids.is_domain_room_id("!a:b")
    assert not ids.is_domain_room_id("!" + HASH)
    assert not ids.is_domain_room_id("@a:b")


@pytest.mark.parametrize("value", [None, True, 1, 1.5, b"@a:b", ["@", "a"], ("$",), {"!": 1}])
@pytest.mark.parametrize(
    "is_one",
    [
        ids.is_server_name,
        ids.is_user_id,
        ids.is_room_alias,
        ids.is_room_id,
        ids.is_domain_room_id,
        ids.is_hash_room_id,
        ids.is_event_id,
    ],
)
def test_what_is_no_string_is_no_identifier(
    is_one: Callable[[object], bool], value: object
) -> None:
    assert is_one(value) is False


def test_aliases_have_a_name_and_a_domain() -> None:
    assert ids.is_room_alias("#é x:b")
    assert not any(map(ids.is_room_alias, ["#:b", "#a", "@a:b", "#a\0:b", "#" + "a" * 253 + ":b"]))


def test_event_ids_are_hashes_spelt_in_one_way() -> None:
    assert ids.is_event_id("$" + HASH)
    spellings = ["$a:b", "$" + HASH[:-1], "$" + HASH[:-1] + "R", "$" + HASH + "\n", "!" + HASH]
    assert not any(map(ids.is_event_id, spellings))


def test_parts_of_a_user_id() -> None:
    assert ids.localpart("@alice:example.org:8448") == "alice"
    assert ids.domain_of("@alice:example.org:8448") == "example.org:8448"


@pytest.mark.parametrize("name", ["alice", "a.b_c=d-e/f+g", "0", "a" * 255])
def test_new_names_of_the_strict_grammar_are_taken(name: str) -> None:
    ids.check_new_localpart(name)


@pytest.mark.parametrize(
    "name", ["", "Alice", "al@ice", "a:b", "a b", "é", "a\0", "a\n", "a" * 256, "a" * 10_000]
)
def test_D2_names_against_the_grammar_are_refused(name: str) -> None:
    with pytest.raises(InvalidUsernameError):
        ids.check_new_localpart(name)


def test_D2_a_name_too_long_for_this_server_is_refused() -> None:
    longest = "a" * (255 - len("@:example.org"))
    assert ids.check_new_user_id(longest, "example.org") == f"@{longest}:example.org"
    with pytest.raises(InvalidUsernameError):
        ids.check_new_user_id(longest + "a", "example.org")
