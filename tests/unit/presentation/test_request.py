"""Typed query parameters."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from multidict import CIMultiDict

from homeserver.domain.shared.errors import InvalidParamError, MissingParamError
from homeserver.presentation.request import Request


def request(target: str, **headers: str) -> Request:
    raw: Any = SimpleNamespace(raw_path=target, method="GET", headers=CIMultiDict(headers))
    unused: Any = None
    return Request(raw, unused, unused)


@pytest.mark.parametrize(
    ("text", "value"), [("", 10), ("limit=5", 5), ("limit=0", 0), ("limit=999999999", 100)]
)
def test_E6_integers_are_capped(text: str, value: int) -> None:
    assert request(f"/x?{text}").int_param("limit", 10, 0, 100) == value


@pytest.mark.parametrize("text", ["-1", "x", "1.0", "", "1_0", "+1", "%201", "%D9%A1", "9" * 19])
def test_E6_what_is_no_integer_or_too_low_is_refused(text: str) -> None:
    with pytest.raises(InvalidParamError):
        request(f"/x?limit={text}").int_param("limit", 10, 0, 100)


def test_choices_and_flags() -> None:
    asked = request("/x?dir=b&full=true&bad=TRUE&dir=f")
    assert asked.choice("dir", ("b", "f"), "f") == "b"
    assert asked.choice("other", ("b", "f"), "f") == "f"
    assert asked.flag("full")
    assert not asked.flag("none")
    assert asked.flag("none", default=True)
    for wrong in (lambda: asked.flag("bad"), lambda: asked.choice("dir", ("x",), "x")):
        with pytest.raises(InvalidParamError):
            wrong()


def test_plain_parameters() -> None:
    asked = request("/x?via=a&via=b&empty=")
    assert asked.query_all("via") == ["a", "b"]
    assert asked.query_all("none") == []
    assert (asked.param("via"), asked.param("none"), asked.param("empty")) == ("a", None, "")
    assert asked.required_param("empty") == ""
    with pytest.raises(MissingParamError):
        asked.required_param("none")


def test_A8_repr_shows_nothing_that_the_client_wrote() -> None:
    assert repr(request("/x/secret?access_token=secret")) == "<Request GET unmatched>"


def test_the_requester_of_an_open_route_is_a_programming_error() -> None:
    asked = request("/x")
    assert asked.requester_if_any is None
    with pytest.raises(RuntimeError):
        _ = asked.requester
