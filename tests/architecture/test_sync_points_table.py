"""docs/sync-points.md names the tests that there are."""

from __future__ import annotations

from tests.support.sync_points_table import TABLE, coverage, rows, written


def test_the_table_of_sync_points_is_current() -> None:
    page = TABLE.read_text(encoding="utf-8")
    assert written(page) == page, "run `python -m tests.support.sync_points_table`"


def test_the_points_that_are_done_have_tests_and_every_number_has_a_row() -> None:
    found = rows(TABLE.read_text(encoding="utf-8"))
    assert found == {str(n) for n in range(1, 25)}
    assert found <= set(coverage())
