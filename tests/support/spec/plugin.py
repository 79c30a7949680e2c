"""Fails a test whose clients were given answers that the specification does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.spec.watch import WATCH, start

if TYPE_CHECKING:
    from collections.abc import Generator

_SHOWN = 10


class SpecPlugin:
    """Watches the answers of each test, its fixtures included."""

    def __init__(self) -> None:
        start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """A test begins."""
        WATCH.begin(item.nodeid)
        return (yield)

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
