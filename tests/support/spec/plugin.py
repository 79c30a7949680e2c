"""Fails a test whose clients were given answers that the specification does not know.

With `--record-met` it also writes down which endpoints the tests met, from all processes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.spec.met import Met, write_record
from tests.support.spec.watch import WATCH, start

if TYPE_CHECKING:
    from collections.abc import Generator

_SHOWN = 10
_MET = "firn_met"


class SpecPlugin:
    """Watches the answers of each test, its fixtures included."""

    def __init__(self) -> None:
        start()
        self._met: Met = {}
        self._ran: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """A test begins, and has ended."""
        WATCH.begin(item.nodeid)
        result = yield
        file = item.nodeid.partition("::")[0]
        self._ran.add(file)
        for method, path in WATCH.met:
            self._met.setdefault(f"{method} {path}", set()).add(file)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Fail what would pass, where an answer was wrong."""
        result = yield
        faults = list(dict.fromkeys(WATCH.faults))
        if faults:
            more = len(faults) - _SHOWN
            shown = [*faults[:_SHOWN], *([f"and {more} more"] if more > 0 else [])]
            pytest.fail("not what the specification says:\n" + "\n".join(shown), pytrace=False)
        return result

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand over to the process that leads, or write."""
        if hasattr(session.config, "workeroutput"):
            met = {endpoint: sorted(files) for endpoint, files in self._met.items()}
            session.config.workeroutput[_MET] = {"met": met, "ran": sorted(self._ran)}
        elif session.config.getoption("--record-met"):
            write_record(self._met, self._ran)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over from a process of pytest-xdist."""
        found = getattr(node, "workeroutput", {}).get(_MET, {"met": {}, "ran": []})
        self._ran.update(found["ran"])
        for endpoint, files in found["met"].items():
            self._met.setdefault(endpoint, set()).update(files)
