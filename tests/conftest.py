"""What all tests share: the services' addresses and the plain account of what was skipped."""

from __future__ import annotations

import secrets
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pymysql
import pytest

from tests.support.services import adopt_services, require_service

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from _pytest.terminal import TerminalReporter

adopt_services()


@pytest.fixture(scope="session")
def mysql_url() -> str:
    """The address of a real MySQL or MariaDB whose user may make databases `firn_…`."""
    return require_service("mysql")


@pytest.fixture
def mysql_database_url(mysql_url: str) -> Iterator[str]:
    """The address of an empty MySQL database that is gone after the test."""
    where = urlsplit(mysql_url)
    name = f"firn_test_{secrets.token_hex(6)}"
    admin = pymysql.connect(
        host=where.hostname or "",
        port=where.port or 3306,
        user=unquote(where.username or ""),
        password=unquote(where.password or ""),
        autocommit=True,
    )
    with admin, admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} COLLATE utf8mb4_bin")
        try:
            yield where._replace(path=f"/{name}").geturl()
        finally:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")


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
