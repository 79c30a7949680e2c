"""The trie: precedence, versions, refusal of double rows."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeserver.domain.shared.errors import UnrecognizedError
from homeserver.presentation.http_errors import MalformedRequestError, MethodNotAllowedError
from homeserver.presentation.percent import parse_query
from homeserver.presentation.routing import Route, Router


async def handler(request: Any) -> Any:
    """Never called here."""


def router(*rows: tuple[str, str]) -> Router:
    return Router(Route(method, path, handler) for method, path in rows)


PROFILE = router(
    ("GET", "/profile/{user}/displayname"),
    ("DELETE", "/profile/{user}/{key}"),
    ("GET", "/profile/{user}/{key}"),
    ("GET", "/{any}/fixed/displayname"),
)


def found(table: Router, method: str, path: str) -> tuple[str, dict[str, str]]:
    match = table.match(method, path)
    return match.route.path, match.params


def test_literals_win_over_variables() -> None:
    assert found(PROFILE, "GET", "/profile/a/displayname")[0] == "/profile/{user}/displayname"
    assert found(PROFILE, "GET", "/profile/a/other")[0] == "/profile/{user}/{key}"


def test_a_variable_serves_methods_that_the_literal_lacks() -> None:
    assert found(PROFILE, "DELETE", "/profile/a/displayname") == (
        "/profile/{user}/{key}",
        {"user": "a", "key": "displayname"},
    )
    with pytest.raises(MethodNotAllowedError) as refused:
        PROFILE.match("PUT", "/profile/a/displayname")
    assert refused.value.allowed == ("DELETE", "GET")


def test_a_literal_dead_end_is_left_again() -> None:
    table = router(("GET", "/rooms/new"), ("GET", "/{kind}/{id}"))
    assert found(table, "GET", "/rooms/old") == ("/{kind}/{id}", {"kind": "rooms", "id": "old"})


def test_an_escaped_literal_is_the_literal() -> None:
    assert found(PROFILE, "GET", "/%70rofile/a/displayname")[0] == "/profile/{user}/displayname"


def test_versions_take_the_place_of_the_one_shown() -> None:
    table = Router([Route("GET", "/_matrix/client/v3/sync", handler, versions=("r0", "v1"))])
    for version in ("v3", "r0", "v1"):
        assert table.match("GET", f"/_matrix/client/{version}/sync").route.label.endswith("v3/sync")
    with pytest.raises(UnrecognizedError):
        table.match("GET", "/_matrix/client/v2/sync")


def test_two_rows_for_one_method_and_path_are_refused() -> None:
    with pytest.raises(ValueError, match="Two routes"):
        router(("GET", "/a/{x}"), ("GET", "/a/{y}"))
    with pytest.raises(ValueError, match="Two routes"):
        router(("GET", "/a/{x?}"), ("GET", "/a/"))


def test_versions_without_a_version_in_the_path_are_refused() -> None:
    with pytest.raises(ValueError, match="no API version"):
        Router([Route("GET", "/health", handler, versions=("r0",))])


@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1)))
def test_A7_any_segments_come_back_as_they_were(segments: list[str]) -> None:
    names = [f"{{v{number}}}" for number in range(len(segments))]
    table = router(("GET", "/" + "/".join(["x", *names])))
    path = "/" + "/".join(["x", *(quote(segment, safe="") for segment in segments)])
    assert list(table.match("GET", path).params.values()) == segments


@given(st.text(st.characters(codec="ascii"), max_size=40))
def test_A7_no_path_breaks_the_router(path: str) -> None:
    with suppress(UnrecognizedError, MalformedRequestError):  # anything else is a 500
        PROFILE.match("GET", path)


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("a=1&a=2&b", {"a": ["1", "2"], "b": [""]}),
        ("a=x+y%2Bz&&=1", {"a": ["x y+z"], "": ["1"]}),
        ("a=b=c", {"a": ["b=c"]}),
    ],
)
def test_queries_are_form_encoded(query: str, values: dict[str, list[str]]) -> None:
    assert parse_query(query) == values


@pytest.mark.parametrize("query", ["a=%", "%ff=1", "a=%00", "a=%c0%80"])
def test_broken_queries_are_refused(query: str) -> None:
    with pytest.raises(MalformedRequestError):
        parse_query(query)
