"""A database of the cluster's own, beside those of the tests."""

from __future__ import annotations

from contextlib import closing
from urllib.parse import unquote, urlsplit, urlunsplit

import pymysql

NAME = "firn_cluster"


def ensure_database(url: str) -> str:
    """Make the database where it is missing; return its address on the server of `url`.

    Raises pymysql.Error where the server cannot be reached or its user may not.
    """
    parts = urlsplit(url)
    connection = pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(
            f"CREATE DATABASE IF NOT EXISTS {NAME} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        )
    return urlunsplit(parts._replace(path=f"/{NAME}"))
