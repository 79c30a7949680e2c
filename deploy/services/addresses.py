"""Files of addresses: lines `VARIABLE=value`, which shells and tests read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def read_addresses(path: Path) -> dict[str, str]:
    """Return what the file says; nothing where there is none."""
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def write_addresses(path: Path, addresses: Mapping[str, str]) -> None:
    """Replace the file, whole at any time, readable by its owner only: it holds passwords."""
    text = "".join(f"{key}={value}\n" for key, value in sorted(addresses.items()))
    fresh = path.with_name(path.name + ".new")
    fresh.touch(mode=0o600)
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
