"""The policy for tests that need a real service.

A service that is not there skips its tests, plainly named at the end of the run; with
CI=true it fails them, so that a green CI has run everything.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

_ADDRESSES = Path(__file__).parents[2] / ".services" / "services.env"
_VARIABLES = {
    "mysql": "FIRN_TEST_MYSQL_URL",
    "redis": "FIRN_TEST_REDIS_URL",
    "rocketmq": "FIRN_TEST_ROCKETMQ_NAMESRV",
}


def adopt_services(environ: dict[str, str] | os._Environ[str] = os.environ) -> None:
    """Take the addresses that `make services` wrote; what is set already wins."""
    if not _ADDRESSES.exists():
        return
    for line in _ADDRESSES.read_text(encoding="utf-8").splitlines():
        variable, _, address = line.partition("=")
        environ.setdefault(variable, address)


def require_service(name: str) -> str:
    """Return the address of a service (a key of `_VARIABLES`), or skip the test.

    With CI=true its absence is a failure.
    """
    variable = _VARIABLES[name]
    address = os.environ.get(variable)
    if not address:
        unavailable(f"no {name}: {variable} is not set (`make services` starts one)")
    return address


def unavailable(reason: str) -> NoReturn:
    """Skip the test because of something that is not there; with CI=true fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
