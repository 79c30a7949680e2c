"""What a service is, and the process and folder that one has."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypedDict

if TYPE_CHECKING:
    import pwd
    from collections.abc import Callable, Mapping, Sequence

HOME = Path(__file__).parents[2] / ".services"
_STOP_S = 30


class UnavailableError(Exception):
    """A service that cannot be had here; one line that says why and what would help."""


class Service(Protocol):
    """One kind of service."""

    name: str
    account: str  # the system account that its package makes
    variable: str  # what its address is called; empty where nobody needs it

    def up(self, place: Place) -> Mapping[str, str]:
        """Start it unless it runs; return its addresses once it answers."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one service lives.

    `notes` (port, pid, password) is always in the checkout; `data` too, unless the
    service's account cannot get there (a checkout under /root): then it is under
    /var/tmp, named after the checkout.
    """

    notes: Path
    data: Path
    user: pwd.struct_passwd | None

    @classmethod
    def of(cls, home: Path, user: pwd.struct_passwd | None) -> Place:
        """Make the folders."""
        home.mkdir(parents=True, exist_ok=True)
        data = home / "data"
        if user is not None and not _reachable(home, user):
            digest = hashlib.sha256(str(home).encode()).hexdigest()[:12]
            data = Path("/var/tmp") / f"firn-{home.name}-{digest}"  # noqa: S108 (owner is checked)
        return cls(home, data, user)

    def make_data(self) -> None:
        """Make the data folder, owned by the service's account and closed to others."""
        self.data.mkdir(mode=0o700, exist_ok=True)
        if self.user is None:
            return
        if self.data.is_symlink() or self.data.stat().st_uid not in (os.getuid(), self.user.pw_uid):
            raise UnavailableError(f"{self.data} belongs to somebody else")
        if os.getuid() == 0:
            os.chown(self.data, self.user.pw_uid, self.user.pw_gid)

    @property
    def account(self) -> str:
        """The name of the account that the service runs as."""
        if self.user is None:
            raise UnavailableError("there is no account to run it as")
        return self.user.pw_name

    def put(self, name: str, text: str) -> Path:
        """Write a file of the data folder, readable by the service's account only."""
        path = self.data / name
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        if self.user is not None and os.getuid() == 0:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
        return path

    def port(self) -> int:
        """Return the remembered port, or another free one if that is taken now."""
        remembered = self.read("port")
        port = free_port(int(remembered)) if remembered else free_port(0)
        self.write("port", str(port))
        return port

    def read(self, note: str) -> str:
        """Return a note, empty where there is none."""
        path = self.notes / note
        return path.read_text(encoding="utf-8").strip() if path.exists() else ""

    def write(self, note: str, text: str) -> None:
        """Keep a note, readable by the checkout's owner only."""
        path = self.notes / note
        path.touch(mode=0o600)
        path.write_text(text + "\n", encoding="utf-8")

    def run(self, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        """Run a command as the service's account, to its end."""
        return subprocess.run(  # noqa: S603 (our own commands)
            [*map(str, command)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.data,
            **_identity(self.user),
        )

    def start(
        self,
        command: Sequence[str | Path],
        *,
        folder: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a process that outlives us; its output goes to `output.log`.

        It works in `folder` (by default its data folder), with our environment or `environ`.
        """
        with (self.notes / "output.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 (our own commands)
                [*map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder or self.data,
                env=environ,
                start_new_session=True,
                **_identity(self.user),
            )
        self.write("pid", f"{process.pid} {_started(process.pid)}")
        return process

    def pid(self) -> int | None:
        """Return the id of the process that we started, if it still runs.

        The process's start time is compared too: ids are used again.
        """
        pid, _, started = self.read("pid").partition(" ")
        return int(pid) if pid and started and _started(int(pid)) == started else None

    def wait(self, answers: Callable[[], bool], seconds: float, what: str, log: Path) -> None:
        """Wait until the process that we started answers.

        It is stopped, and UnavailableError raised, where it ends before or takes longer.
        """
        deadline = time.monotonic() + seconds
        while not answers():
            if self.pid() is None or time.monotonic() > deadline:
                self.stop()
                raise UnavailableError(f"{what} did not start, see {log}")
            time.sleep(0.02)

    def stop(self) -> bool:
        """Stop the process that we started; False where there was none."""
        pid = self.pid()
        if pid is None:
            return False
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_S
        while self.pid() is not None and time.monotonic() < deadline:
            time.sleep(0.02)
        if self.pid() is not None:
            os.kill(pid, signal.SIGKILL)
        (self.notes / "pid").unlink()
        return True


def program(*names: str) -> str | None:
    """Return the path of the first of these programs that is installed."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return next((found for name in names if (found := shutil.which(name, path=path))), None)


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


def _identity(user: pwd.struct_passwd | None) -> _Identity:
    if user is None or user.pw_uid == os.getuid():
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _reachable(folder: Path, user: pwd.struct_passwd) -> bool:
    probe = subprocess.run(  # noqa: S603 (our own commands)
        ["/usr/bin/test", "-x", folder],
        cwd="/",
        check=False,
        **_identity(user),
    )
    return probe.returncode == 0


def _started(pid: int) -> str:
    """Return when a process started (ticks since boot); empty for none and for a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return ""
    state, *rest = stat.rpartition(")")[2].split()
    return "" if state == "Z" else rest[18]


def free_port(wanted: int) -> int:
    """Return this port of the loopback address, or another where it is taken or 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return free_port(0)
        port: int = probe.getsockname()[1]
        return port
