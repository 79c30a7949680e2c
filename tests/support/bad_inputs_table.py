"""Writes the column `test` of docs/bad-inputs.md: `python -m tests.support.bad_inputs_table`.

A row is covered by the files that hold a test whose name carries the row's id
(`test_A3_…`, `test_F1_F2_…`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parents[1]
TABLE = TESTS.parent / "docs" / "bad-inputs.md"
NOTHING = "–"
_NAME = re.compile(r"^\s*(?:async )?def test((?:_[A-I]\d+)+)_", re.MULTILINE)
_ROW = re.compile(r"^\| ([A-I]\d+) \|(.*)\|[^|]*\|$")


def coverage() -> dict[str, set[str]]:
    """Each id and the files that test it, relative to `tests/`."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(TESTS.rglob("test_*.py")):
        for name in _NAME.finditer(path.read_text(encoding="utf-8")):
            for row in name[1].strip("_").split("_"):
                found[row].add(path.relative_to(TESTS).as_posix())
    return found


def written(text: str) -> str:
    """Return the page with its last columns as they should be."""
    covered = coverage()
    lines = []
    for line in text.splitlines():
        row = _ROW.match(line)
        if row is None:
            lines.append(line)
            continue
        files = "<br>".join(f"`{name}`" for name in sorted(covered.get(row[1], ())))
        lines.append(f"| {row[1]} |{row[2]}| {files or NOTHING} |")
    return "\n".join(lines) + "\n"


def rows(text: str) -> set[str]:
    """The ids that the page has a row for."""
    return {row[1] for line in text.splitlines() if (row := _ROW.match(line))}


def main() -> None:
    """Write the page."""
    TABLE.write_text(written(TABLE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
