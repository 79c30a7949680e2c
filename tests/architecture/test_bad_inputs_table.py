"""docs/bad-inputs.md names the tests that there are."""

from __future__ import annotations

from tests.support.bad_inputs_table import TABLE, coverage, rows, written


def test_the_table_of_bad_inputs_is_current() -> None:
    page = TABLE.read_text(encoding="utf-8")
    assert written(page) == page, "run `python -m tests.support.bad_inputs_table`"


def test_every_id_in_a_test_name_has_a_row() -> None:
    assert set(coverage()) <= rows(TABLE.read_text(encoding="utf-8"))
