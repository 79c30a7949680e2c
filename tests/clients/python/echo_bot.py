"""The ten lines of the README, as a process of their own."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "clients" / "python"
PAGES = (ROOT / "README.md", PACKAGE / "README.md", ROOT / "docs" / "tutorial" / "bot.md")
_LINES = re.compile(r"^```python\n(import asyncio\n.*?)^```$", re.MULTILINE | re.DOTALL)


def lines_of(page: Path) -> str:
    """The bot that a page shows first."""
    found = _LINES.search(page.read_text(encoding="utf-8"))
    assert found is not None, page
    return found[1]


@dataclass
class EchoBot:
    """The bot as its user starts it; it may be killed and started again."""

    folder: Path
    servers: str
    user: str
    password: str
    transport: str = "auto"
    process: asyncio.subprocess.Process | None = None

    @property
    def session_file(self) -> Path:
        """Where it keeps its session."""
        return self.folder / "session.json"

    @property
    def output(self) -> str:
        """What it wrote: nothing, if all is well."""
        return (self.folder / "out.txt").read_text(encoding="utf-8")

    async def start(self) -> None:
        """Start it."""
        program = self.folder / "echo.py"
        program.write_text(lines_of(PAGES[0]), encoding="utf-8")
        environ = {
            **os.environ,
            "PYTHONPATH": str(PACKAGE),
            "FIRN_BOT_SERVERS": self.servers,
            "FIRN_BOT_USER": self.user,
            "FIRN_BOT_PASSWORD": self.password,
            "FIRN_BOT_SESSION": str(self.session_file),
            "FIRN_BOT_TRANSPORT": self.transport,
        }
        with (self.folder / "out.txt").open("ab") as out:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-W", "error", str(program), env=environ, stdout=out, stderr=out
            )

    async def kill(self) -> None:
        """Kill it without a warning."""
        assert self.process is not None
        assert self.process.returncode is None, self.output
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()
