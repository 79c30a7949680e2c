"""Limits of passwords, devices and profiles."""

from __future__ import annotations

from typing import Any

import pytest

from homeserver.domain.accounts.device import check_device_id, check_device_name
from homeserver.domain.accounts.password import (
    PasswordPolicy,
    WeakPasswordError,
    check_presented,
)
from homeserver.domain.accounts.profile import (
    KeyTooLargeError,
    ProfileTooLargeError,
    check_field,
    check_field_name,
    with_field,
)
from homeserver.domain.shared.errors import BadJsonError, InvalidParamError


def test_a_password_has_at_most_512_bytes() -> None:
    assert check_presented("é" * 256)
    with pytest.raises(InvalidParamError):
        check_presented("é" * 256 + "x")


def test_a_new_password_must_not_be_short_but_an_old_one_may() -> None:
    assert check_presented("") == ""
    assert PasswordPolicy().check_new("12345678") == "12345678"
    with pytest.raises(WeakPasswordError):
        PasswordPolicy().check_new("1234567")


@pytest.mark.parametrize("password", [None, 12345678, ["12345678"]])
def test_a_password_is_a_string(password: Any) -> None:
    with pytest.raises(BadJsonError):
        check_presented(password)


def test_A1_a_lone_surrogate_is_no_password() -> None:
    with pytest.raises(InvalidParamError):
        check_presented("\ud800" * 10)


@pytest.mark.parametrize("device_id", ["", "a b", "a\n", "x" * 256, "\ud800"])
def test_device_ids_that_are_refused(device_id: str) -> None:
    with pytest.raises(InvalidParamError):
        check_device_id(device_id)
    assert check_device_id("GHTYAJCE") == "GHTYAJCE"


def test_device_names_are_limited_in_bytes_and_may_have_joined_emoji() -> None:
    assert check_device_name("Ann's 👩‍💻") == "Ann's 👩‍💻"
    assert check_device_name("x" * 256)
    for name in ("x" * 257, "é" * 129, "a\0b", "a\nb"):
        with pytest.raises(InvalidParamError):
            check_device_name(name)


def test_display_names_and_avatars() -> None:
    assert check_field("displayname", "") == ""
    assert check_field("avatar_url", "mxc://x:8448/aB_-1") == "mxc://x:8448/aB_-1"
    assert check_field("avatar_url", "") == ""
    for name, value in (
        ("displayname", "x" * 1025),
        ("displayname", "a\0"),
        ("avatar_url", "https://x/y"),
        ("avatar_url", "mxc://x/../y"),
    ):
        with pytest.raises(InvalidParamError):
            check_field(name, value)
    with pytest.raises(BadJsonError):
        check_field("displayname", None)


def test_other_fields_may_have_any_value() -> None:
    assert check_field("m.tz", None) is None
    assert check_field("org.x", {"a": [1]}) == {"a": [1]}


def test_field_names_follow_the_grammar_of_namespaced_identifiers() -> None:
    for name in ("", "M.tz", "1a", "a b", "m.é"):
        with pytest.raises(InvalidParamError):
            check_field_name(name)
    assert check_field_name("a" * 255)
    with pytest.raises(KeyTooLargeError):
        check_field_name("a" * 256)


def test_a_profile_is_under_64_kib() -> None:
    frame = len('{"org.x":""}')
    assert with_field({}, "org.x", "x" * (65_535 - frame))
    with pytest.raises(ProfileTooLargeError):
        with_field({}, "org.x", "x" * (65_536 - frame))
    with pytest.raises(ProfileTooLargeError):
        with_field({"org.y": "é" * 20_000}, "org.x", "é" * 13_000)
