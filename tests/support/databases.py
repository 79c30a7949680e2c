"""Databases for single tests on the service that `make services` starts."""

from __future__ import annotations

import secrets
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pymysql
from sqlalchemy import make_url

if TYPE_CHECKING:
    from collections.abc import Iterator


def address_of(url: str) -> dict[str, Any]:
    """What the drivers' `connect` takes, without a database."""
    parts = urlsplit(url)
    return {
        "host": parts.hostname,
        "port": parts.port or 3306,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
    }


@contextmanager
def database_of_its_own(url: str) -> Iterator[str]:
    """Make an empty database `firn_<random>` and give its address; it is dropped afterwards."""
    name = f"firn_{secrets.token_hex(6)}"
    _run(url, f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    try:
        yield make_url(url).set(database=name).render_as_string(hide_password=False)
    finally:
        _run(url, f"DROP DATABASE {name}")


def _run(url: str, statement: str) -> None:
    with closing(pymysql.connect(**address_of(url))) as admin, admin.cursor() as cursor:
        cursor.execute(statement)
