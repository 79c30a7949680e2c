"""What a supervisor is to run, as the file that it is told by."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Plan:
    """The ports of the workers by name, in order, and of the gateway: None for none."""

    workers: Mapping[str, int]
    gateway: int | None

    def write(self, path: Path) -> None:
        """Keep it for the supervisor."""
        path.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Plan:
        """Return what was kept. Raises OSError where there is nothing."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    @property
    def addresses(self) -> dict[str, str]:
        """FIRN_WORKERS and FIRN_GATEWAY: base URLs, the workers' separated by commas."""
        urls = [url_of(port) for port in self.workers.values()]
        gateway = url_of(self.gateway) if self.gateway is not None else ""
        return {"FIRN_WORKERS": ",".join(urls), "FIRN_GATEWAY": gateway}


def url_of(port: int) -> str:
    """Return the base URL of what listens on a loopback port."""
    return f"http://127.0.0.1:{port}"
