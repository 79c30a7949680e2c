"""The supervisor's children, and what a cluster is told."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from deploy.cluster import child as child_module
from deploy.cluster.child import Child, DoesNotStartError
from deploy.cluster.gateway import nginx_settings
from deploy.cluster.layout import Layout, choose_port
from deploy.cluster.plan import Plan
from deploy.cluster.probe import status_of
from deploy.cluster.settings import Stores, shared_environ, worker_environ, write_settings
from deploy.services.addresses import read_addresses, write_addresses
from deploy.services.service import Place, free_port
from homeserver.config.load import load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

# A server that is ready, and as alive as the file `status` says; `deaf` leaves out SIGTERM.
SERVER = """
import http.server, pathlib, signal, sys
if "deaf" in sys.argv: signal.signal(signal.SIGTERM, signal.SIG_IGN)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = pathlib.Path("status")
        self.send_response(int(status.read_text()) if "live" in self.path and status.exists() else 200)
        self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_module, "WATCH_S", 0.05)


@asynccontextmanager
async def kept(folder: Path, *words: str, program: str = SERVER) -> AsyncIterator[Child]:
    """A child that is not started; stopped at the end."""
    port = free_port(0)
    starts: list[int] = []
    with ThreadPoolExecutor(1) as waiters:
        child = Child(
            "it",
            Place.of(folder / "it", None),
            port,
            [sys.executable, "-c", program, str(port), *words],
            folder,
            os.environ,
            waiters,
            lambda: starts.append(child.pid),
        )
        try:
            yield child
        finally:
            await child.stop()


async def replaced(child: Child, pid: int) -> None:
    async with asyncio.timeout(20):
        while child.pid == pid or await status_of(child.port, "/", 5) != 200:
            await asyncio.sleep(0.01)


async def test_a_killed_child_is_started_again_and_a_stopped_one_is_not(tmp_path: Path) -> None:
    async with kept(tmp_path) as child:
        await child.start()
        pid = child.pid
        assert child.place.pid() == pid
        child.signal(signal.SIGKILL)
        await replaced(child, pid)
        assert child.place.pid() == child.pid
        await child.stop()
        assert child.place.pid() is None
        assert await status_of(child.port, "/", 1) is None


async def test_a_child_that_says_so_is_started_again(tmp_path: Path) -> None:
    async with kept(tmp_path) as child:
        await child.start()
        pid = child.pid
        status = tmp_path / "status"
        status.write_text("503")
        while child.pid == pid:
            await asyncio.sleep(0.01)
        status.unlink()
        await replaced(child, pid)


async def test_a_child_that_hangs_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_module, "DEAF_S", 2.0)
    monkeypatch.setattr(child_module, "_PROBE_S", 0.2)
    async with kept(tmp_path) as child:
        await child.start()
        pid = child.pid
        child.signal(signal.SIGSTOP)
        await replaced(child, pid)


async def test_a_child_that_does_not_stop_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_module, "STOP_S", 0.2)
    async with kept(tmp_path, "deaf") as child:
        await child.start()
        await child.stop()
        assert child.place.pid() is None


async def test_a_child_that_ends_before_it_serves_is_told_of_with_its_last_words(
    tmp_path: Path,
) -> None:
    async with kept(tmp_path, program="raise SystemExit('no such port')") as child:
        with pytest.raises(DoesNotStartError, match="it does not start: no such port"):
            await child.start()


def test_pauses_grow_to_a_second() -> None:
    pauses = [0.0]
    for _ in range(8):
        pauses.append(child_module._longer(pauses[-1]))
    assert pauses[:4] == [0.0, 0.1, 0.2, 0.4]
    assert pauses[-1] == 1.0


def test_workers_read_what_is_written_for_them(tmp_path: Path) -> None:
    layout, plan = Layout(tmp_path), Plan({"w1": 20001, "w2": 20002}, 20000)
    stores = Stores(
        "mysql://a:p%40ss@127.0.0.1:1/firn_x", "redis://:b@127.0.0.1:2/0", "127.0.0.1:3"
    )
    elsewhere = {"FIRN__DATABASE__URL": "mysql://other", "FIRN__WORKER__NAME": "main"}
    ours = {"FIRN__REGISTRATION__OPEN": "true", "FIRN__LISTEN": "0.0.0.0:80"}
    write_settings(layout, plan, stores)
    environ = shared_environ(layout, {**elsewhere, **ours}) | worker_environ("w2", 20002)
    settings = load(None, environ).settings
    assert (settings.database.url, settings.redis.url, settings.rocketmq.namesrv) == stores
    assert (settings.worker.name, settings.listen) == ("w2", "127.0.0.1:20002")
    assert settings.public_url == "http://127.0.0.1:20000"
    assert settings.trusted_proxies == ("127.0.0.1",)
    assert settings.is_clustered
    assert settings.registration.open
    assert layout.settings.stat().st_mode & 0o077 == 0
    key = settings.cluster.key
    write_settings(layout, plan, stores)
    assert tomllib.loads(layout.settings.read_text())["cluster"]["key"] == key


def test_the_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    for plan in (Plan({"w1": 1, "w2": 2}, 3), Plan({"w1": 1}, None)):
        plan.write(tmp_path / "plan")
        assert Plan.read(tmp_path / "plan") == plan
        write_addresses(tmp_path / "env", plan.addresses)
        assert read_addresses(tmp_path / "env") == plan.addresses
    assert plan.addresses == {"FIRN_WORKERS": "http://127.0.0.1:1", "FIRN_GATEWAY": ""}


def test_ports_are_kept_and_never_shared(tmp_path: Path) -> None:
    places = [Place.of(tmp_path / name, None) for name in "abc"]
    first = [choose_port(place, taken) for taken in (set[int](),) for place in places]
    assert len(set(first)) == 3
    taken: set[int] = set()
    assert (
        [choose_port(place, taken) for place in places] == first == sorted(taken, key=first.index)
    )
    assert choose_port(places[0], taken) not in first


def test_the_gateways_settings_are_filled_in(tmp_path: Path) -> None:
    text = nginx_settings(20000, [20001, 20002], tmp_path)
    code = "\n".join(line.partition("#")[0] for line in text.splitlines())
    assert "@" not in code.replace("@absent", "").replace("@too_large", "").replace(
        "@unanswered", ""
    )
    assert "server 127.0.0.1:20001 max_fails=1 fail_timeout=1s;" in code
    assert "server 127.0.0.1:20002 max_fails=1 fail_timeout=1s;" in code
    assert "listen 127.0.0.1:20000 " in code
    assert "non_idempotent" not in code
