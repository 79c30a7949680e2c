"""Server access control lists."""

from __future__ import annotations

import time
from typing import Any

import pytest

from homeserver.domain.rooms.server_acl import ServerAcl

ALL = {"allow": ["*"]}


@pytest.mark.parametrize(
    ("content", "server", "allowed"),
    [
        ({}, "a.example", False),
        (ALL, "a.example", True),
        ({**ALL, "deny": ["evil.example"]}, "evil.example", False),
        ({**ALL, "deny": ["evil.example"]}, "a.example", True),
        ({**ALL, "deny": ["*.evil.example"]}, "x.evil.example", False),
        ({**ALL, "deny": ["*.evil.example"]}, "evil.example", True),
        ({**ALL, "deny": ["evi?.example"]}, "evil.example", False),
        ({"allow": ["good.example"], "deny": ["*"]}, "good.example", False),
        ({"allow": ["good.example"]}, "good.example", True),
        ({"allow": ["good.example"]}, "xgood.example", False),
    ],
)
def test_denied_comes_before_allowed_and_nothing_is_allowed_unsaid(
    content: dict[str, Any], server: str, allowed: bool
) -> None:
    assert ServerAcl(content).allows(server) is allowed


@pytest.mark.parametrize(
    "server", ["evil.example:8448", "EVIL.example", "Evil.Example:1", "evil.example"]
)
def test_C11_port_and_case_do_not_count(server: str) -> None:
    assert not ServerAcl({**ALL, "deny": ["Evil.EXAMPLE"]}).allows(server)


@pytest.mark.parametrize("server", ["1.2.3.4", "1.2.3.4:8448", "[::1]", "[2001:db8::1]:8448"])
def test_C11_ip_literals(server: str) -> None:
    assert ServerAcl(ALL).allows(server)
    assert not ServerAcl({**ALL, "allow_ip_literals": False}).allows(server)
    for odd in ("no", 0, None):
        assert ServerAcl({**ALL, "allow_ip_literals": odd}).allows(server)
    assert not ServerAcl({**ALL, "deny": ["1.2.3.*", "[*]"]}).allows(server)


@pytest.mark.parametrize("server", ["1.2.3", "1.2.3.4.example", "256.1.1.1", "v4.1.2.3.4"])
def test_C11_names_that_only_look_like_addresses(server: str) -> None:
    assert ServerAcl({**ALL, "allow_ip_literals": False}).allows(server)


@pytest.mark.parametrize("odd", [None, "evil.example", {"evil.example": 1}, [5, None, ["*"]], 7])
def test_C11_lists_of_the_wrong_type_are_empty(odd: Any) -> None:
    assert ServerAcl({**ALL, "deny": odd}).allows("evil.example")
    assert not ServerAcl({"allow": odd}).allows("evil.example")


def test_C11_many_and_hostile_globs_cost_linear_time() -> None:
    many = [f"*{n}.evil.example" for n in range(10_000)]
    acl = ServerAcl({**ALL, "deny": [*many, "*a*a*a*a*a*a*a*b", "?a*" * 40 + "b"]})
    started = time.perf_counter()
    assert acl.allows("a" * 250)
    assert not acl.allows("x77.evil.example")
    assert time.perf_counter() - started < 2
