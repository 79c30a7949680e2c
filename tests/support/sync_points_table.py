"""Writes the table of docs/sync-points.md: `python -m tests.support.sync_points_table`.

A point is held by the files that have a test whose name carries its number (`test_point_07_…`,
`test_point_07_08_…`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parents[1]
TABLE = TESTS.parent / "docs" / "sync-points.md"
NOTHING = "–"
_NAME = re.compile(r"^async def (test_point((?:_\d\d)+)_\w+)", re.MULTILINE)
_ROW = re.compile(r"^\| (\d+) \|(.*)\|[^|]*\|$")


def coverage() -> dict[str, list[str]]:
    """The tests of each point, as `file: name`, relative to `tests/conformance/sync_points`."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((TESTS / "conformance" / "sync_points").glob("test_*.py")):
        for match in _NAME.finditer(path.read_text(encoding="utf-8")):
            for number in match[2].strip("_").split("_"):
                found[str(int(number))].append(f"{path.name}: {_words(match[1])}")
    return found


def _words(name: str) -> str:
    return re.sub(r"^test_point(_\d\d)+_", "", name).replace("_", " ")


def written(text: str) -> str:
    """Return the page with its last columns as they should be."""
    covered = coverage()
    lines = []
    for line in text.splitlines():
        row = _ROW.match(line)
        tests = "<br>".join(covered.get(row[1], [])) if row else ""
        lines.append(f"| {row[1]} |{row[2]}| {tests or NOTHING} |" if row else line)
    return "\n".join(lines) + "\n"


def rows(text: str) -> set[str]:
    """The numbers that the page has a row for."""
    return {row[1] for line in text.splitlines() if (row := _ROW.match(line))}


def main() -> None:
    """Write the page."""
    TABLE.write_text(written(TABLE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
