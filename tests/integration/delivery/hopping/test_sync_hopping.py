"""The tests of /sync once more, with two workers and clients that hop between them."""

from __future__ import annotations

from tests.integration.sync import (
    test_filters,
    test_membership,
    test_notifications,
    test_state,
    test_timeline,
    test_unread,
    test_visibility,
    test_wake,
)

MODULES = (
    test_filters,
    test_membership,
    test_notifications,
    test_state,
    test_timeline,
    test_unread,
    test_visibility,
    test_wake,
)
globals().update(
    {
        name: test
        for module in MODULES
        for name, test in vars(module).items()
        if name.startswith("test_")
    }
)
