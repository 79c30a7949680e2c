"""Property paths: escapes and look-ups."""

from __future__ import annotations

import pytest

from homeserver.domain.shared.paths import ABSENT, format_path, look_up, parse_path


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("content.body", ("content", "body")),
        (r"content.m\.relates_to", ("content", "m.relates_to")),
        (r"content.m\\foo", ("content", r"m\foo")),
        (r"content.m\xfoo", ("content", r"m\xfoo")),
        ("type", ("type",)),
        ("a..b", ("a", "", "b")),
        ("a\\", ("a\\",)),
    ],
)
def test_parse_path(text: str, path: tuple[str, ...]) -> None:
    assert parse_path(text) == path


def test_format_path_escapes_dots_and_backslashes() -> None:
    assert format_path(("content", "m.a\\b")) == r"content.m\.a\\b"


def test_look_up_finds_a_null_and_tells_it_from_absence() -> None:
    root = {"content": {"m.x": {"y": None}}}
    assert look_up(root, parse_path(r"content.m\.x.y")) is None
    assert look_up(root, parse_path("content.m.x")) is ABSENT
    assert look_up(root, parse_path(r"content.m\.x.y.z")) is ABSENT
