"""The framework of private services: identity of processes, ports, notes."""

from __future__ import annotations

import os
import pwd
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from deploy.services.service import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place.of(tmp_path / "svc", pwd.getpwuid(os.getuid()))
    place.make_data()
    yield place
    place.stop()


def test_a_started_process_is_found_and_stopped(place: Place) -> None:
    process = place.start(SLEEP)
    assert place.pid() == process.pid
    assert place.stop()
    assert process.wait(5) != 0
    assert not place.stop()


def test_a_process_id_used_again_by_another_is_left_alone(place: Place) -> None:
    place.write("pid", f"{os.getpid()} 1")
    assert place.pid() is None
    assert not place.stop()


def test_the_port_is_remembered_until_somebody_takes_it(place: Place) -> None:
    port = place.port()
    assert place.port() == port
    with socket.create_server(("127.0.0.1", port)):
        assert place.port() != port


def test_notes_and_files_are_private(place: Place) -> None:
    place.write("password", "x")
    assert (place.notes / "password").stat().st_mode & 0o077 == 0
    assert place.put("my.cnf", "x").stat().st_mode & 0o077 == 0
    assert place.data.stat().st_mode & 0o077 == 0
