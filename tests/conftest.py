"""What all tests share: the services' addresses and the plain account of what was skipped."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.support.databases import database_of_its_own
from tests.support.services import adopt_services, require_service
from tests.support.spec.plugin import SpecPlugin

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from _pytest.terminal import TerminalReporter

adopt_services()
# No deadlines: the machine may be busy. CI tries the same examples every time, so that it
# fails for what was changed; everybody else tries new ones.
settings.register_profile("local", deadline=None)
settings.register_profile(
    "ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "local")


def pytest_addoption(parser: pytest.Parser) -> None:
    """An option for the page of endpoints."""
    text = "note which endpoints the tests meet, for docs/reference/coverage.md"
    parser.addoption("--record-met", action="store_true", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Judge the answers of all tests by the specification."""
    config.pluginmanager.register(SpecPlugin(), "firn-spec")


@pytest.fixture(scope="session")
def mysql_url() -> str:
    """The address of a real MySQL or MariaDB whose user may make databases `firn_…`."""
    return require_service("mysql")


@pytest.fixture
def mysql_database_url(mysql_url: str) -> Iterator[str]:
    """The address of an empty database without a schema, dropped after the test."""
    with database_of_its_own(mysql_url) as url:
        yield url


@pytest.fixture(params=["sqlite", "mysql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The setting `database.url` for each kind of store: empty (SQLite), an empty database."""
    if request.param == "sqlite":
        return ""
    url: str = request.getfixturevalue("mysql_database_url")
    return url


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(
    terminalreporter: TerminalReporter,
) -> Generator[None, object, object]:
    """Say what was skipped and why, after everything else but the closing line."""
    result = yield
    skipped = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    for reason, count in skipped.items():
        terminalreporter.write_line(f"skipped {count}: {reason}", yellow=True)
    if not skipped:
        terminalreporter.write_line("nothing was skipped")
    return result


def _reason(report: pytest.TestReport) -> str:
    longrepr = report.longrepr
    return str(longrepr[2] if isinstance(longrepr, tuple) else longrepr).removeprefix("Skipped: ")
