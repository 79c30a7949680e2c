"""Which tests meet which endpoints: a committed record of runs, from which a page is made.

`pytest --record-met` writes what the tests that ran were answered (with 2xx or 3xx) into the
record; what it says about other files stays. For each endpoint it keeps the few files that meet
the fewest endpoints: those are about it, and the others pass through.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

RECORD = Path(__file__).with_name("met.json")
_KEPT = 3

Met = dict[str, set[str]]
"""Endpoints ("GET /path") to test files."""


def read_record() -> dict[str, list[str]]:
    """The committed record; files that are most about an endpoint come first."""
    found: dict[str, list[str]] = json.loads(RECORD.read_text(encoding="utf-8"))
    return found


def merged(record: dict[str, list[str]], met: Met, ran: Iterable[str]) -> dict[str, list[str]]:
    """The record after a run of these test files."""
    gone = set(ran)
    whole: Met = {endpoint: set(files) - gone for endpoint, files in record.items()}
    for endpoint, files in met.items():
        whole.setdefault(endpoint, set()).update(files)
    width = Counter(file for files in whole.values() for file in files)
    return {
        endpoint: sorted(whole[endpoint], key=lambda file: (width[file], file))[:_KEPT]
        for endpoint in sorted(whole)
        if whole[endpoint]
    }


def write_record(met: Met, ran: Iterable[str]) -> None:
    """Take a run into the record."""
    record = read_record() if RECORD.exists() else {}
    text = json.dumps(merged(record, met, ran), indent=1)
    RECORD.write_text(text + "\n", encoding="utf-8")
