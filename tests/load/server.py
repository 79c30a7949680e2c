"""A `firn serve` process of its own, on a free loopback port."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.load.client import LoadError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[2]
SERVER_NAME = "bench.test"
_START_S = 60.0
_STOP_S = 30.0
_SETTINGS = {
    "FIRN__SERVER_NAME": SERVER_NAME,
    "FIRN__REGISTRATION__OPEN": "true",
    "FIRN__RATE_LIMITS__ENABLED": "false",
    "FIRN__LOG__LEVEL": "warning",
}


@dataclass(frozen=True)
class Server:
    """A running server."""

    base: str
    pid: int
    log: Path


@contextmanager
def running(
    folder: Path, settings: Mapping[str, str], *, program: Sequence[str] = ("-m", "homeserver")
) -> Iterator[Server]:
    """Serve from `folder` with these settings; `program` is what Python runs."""
    _raise_file_limit()
    port = _free_port()
    base = f"http://127.0.0.1:{port}"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FIRN__")}
    environment |= {
        **_SETTINGS,
        "FIRN__LISTEN": f"127.0.0.1:{port}",
        "FIRN__DATA_DIR": str(folder / "data"),
        "PYTHONPATH": str(ROOT),
        **settings,
    }
    log = folder / "server.log"
    with log.open("ab") as stderr:
        process = subprocess.Popen(
            [sys.executable, *program, "serve"],
            cwd=folder,
            env=environment,
            stdout=stderr,
            stderr=stderr,
        )
    try:
        _wait_until_ready(process, base, log)
        yield Server(base, process.pid, log)
    finally:
        _stop(process)


def _wait_until_ready(process: subprocess.Popen[bytes], base: str, log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{base}/_matrix/client/versions", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
    raise LoadError(f"the server did not start:\n{tail}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _raise_file_limit() -> None:
    """Each idle connection is a file of the server, which inherits the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
