"""The page of endpoints says what is so."""

from __future__ import annotations

from homeserver.bootstrap import route_table
from tests.support.spec.coverage_page import PAGE, page, read_needs, rows
from tests.support.spec.document import operations
from tests.support.spec.folder import ROOT
from tests.support.spec.met import merged, read_record


def test_the_page_is_up_to_date() -> None:
    written = (ROOT / PAGE).read_text(encoding="utf-8")
    assert written == page(route_table()), "make docs"


def test_every_endpoint_has_a_need_and_every_need_an_endpoint() -> None:
    assert set(read_needs()) == {f"{method} {path}" for method, path in operations()}


def test_every_endpoint_that_is_done_is_met_by_a_test() -> None:
    unmet = [
        f"{row.method} {row.path}" for row in rows(route_table()) if row.done and not row.tests
    ]
    assert unmet == [], "record the tests that meet them: pytest --record-met tests/…; make docs"


def test_the_tests_that_are_named_exist() -> None:
    named = {test for tests in read_record().values() for test in tests}
    assert {test for test in named if not (ROOT / test).is_file()} == set()


def test_a_run_replaces_what_it_ran_and_leaves_the_rest() -> None:
    record = {"GET /a": ["old", "wide"], "GET /b": ["wide"], "GET /gone": ["old"]}
    met = {"GET /a": {"new"}, "GET /b": {"old"}, "GET /c": {"new"}}
    assert merged(record, met, ["old", "new"]) == {
        "GET /a": ["new", "wide"],
        "GET /b": ["old", "wide"],
        "GET /c": ["new"],
    }
