"""A RocketMQ of a test's own, to be killed and paused: the shared one serves other tests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.services.rocketmq import RocketMqBroker, RocketMqNameServer
from deploy.services.service import HOME, Place
from deploy.services.user import run_user

if TYPE_CHECKING:
    from collections.abc import Iterator


class OwnRocketMq:
    """A name server and a broker; every method blocks."""

    def __init__(self) -> None:
        home = HOME / f"own-{os.getpid()}"
        home.mkdir(parents=True, exist_ok=True)
        self._home = home
        self._names, self._broker = _places(home)
        self.namesrv = ""

    def start(self) -> None:
        """Start what does not run; return when the broker is registered."""
        # By another process: they are to be nobody's children.
        command = [sys.executable, "-m", "tests.support.broker", str(self._home)]
        quick = {**os.environ, "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1"}
        result = subprocess.run(
            command, cwd=HOME.parent, check=True, stdout=subprocess.PIPE, text=True, env=quick
        )
        self.namesrv = result.stdout.strip()

    def kill(self) -> None:
        """Kill the broker."""
        self._signal(signal.SIGKILL)

    def pause(self) -> None:
        """Stop the broker's clock."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def remove(self) -> None:
        """Kill both and delete what they stored."""
        for place in (self._broker, self._names):
            pid = place.pid()
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
            shutil.rmtree(place.data, ignore_errors=True)
        shutil.rmtree(self._home, ignore_errors=True)

    @property
    def broker_pid(self) -> int | None:
        """The broker's process; None while it does not run."""
        return self._broker.pid()

    def _signal(self, number: int) -> None:
        pid = self.broker_pid
        assert pid is not None, "the broker does not run"
        os.kill(pid, number)


@contextmanager
def own_rocketmq() -> Iterator[OwnRocketMq]:
    """Start one; remove it in the end."""
    own = OwnRocketMq()
    try:
        own.start()
        yield own
    finally:
        own.remove()


def _places(home: Path) -> tuple[Place, Place]:
    user = run_user(HOME.parent, RocketMqBroker.account)
    return Place.of(home / RocketMqNameServer.name, user), Place.of(
        home / RocketMqBroker.name, user
    )


if __name__ == "__main__":
    names, broker = _places(Path(sys.argv[1]))
    RocketMqNameServer().up(names)
    sys.stdout.write(RocketMqBroker().up(broker)["FIRN_TEST_ROCKETMQ_NAMESRV"])
