"""A whole cluster for stories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.databases import database_of_its_own
from tests.support.whole_cluster import WholeCluster, running_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, mysql_url: str) -> Iterator[WholeCluster]:
    """One for all tests, because it takes long to start; who kills a part waits for the next."""
    folder = tmp_path_factory.mktemp("cluster")
    with database_of_its_own(mysql_url) as url, running_cluster(folder, url) as cluster:
        yield cluster
