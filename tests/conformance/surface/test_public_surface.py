"""Whatever the specification's schemas let a client ask, and what they forbid, made up by
schemathesis: no internal error, and no answer that the schemas forbid.

A minute in all, with the same cases every time under CI=true; `FIRN_SURFACE_EXAMPLES=500` asks
more. Routes come from the route table: a new one is asked without anybody's doing.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from homeserver.bootstrap import route_table
from tests.support.spec.coverage_page import rows
from tests.support.spec.document import document
from tests.support.spec.exceptions import is_excused
from tests.support.spec.judge import Judge

if TYPE_CHECKING:
    from schemathesis import Case

    from tests.conformance.surface.visitor import Visitor

EXAMPLES = int(os.environ.get("FIRN_SURFACE_EXAMPLES", "8"))
"""For each operation."""
SERVED = [(row.method, row.path) for row in rows(route_table()) if row.done]


@cache
def schema() -> Any:
    """The specification for schemathesis."""
    return schemathesis.openapi.from_dict(document())


@cache
def judge() -> Judge:
    """The specification for answers."""
    return Judge(document())


def test_all_that_is_served_is_asked() -> None:
    assert len(SERVED) > 90


def cases(method: str, path: str) -> st.SearchStrategy[Case]:
    """Requests that the schemas allow, and those that they forbid where they forbid any."""
    operation = schema()[path][method]
    found = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    raw = document()["paths"][path][method.lower()]
    if "requestBody" in raw or any(p["in"] == "query" for p in raw.get("parameters", ())):
        found |= operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    return found  # type: ignore[no-any-return]


@pytest.mark.timeout(60 + EXAMPLES * 10)
@pytest.mark.parametrize(("method", "path"), SERVED, ids=str)
def test_no_answer_that_the_specification_forbids(
    visitor: Visitor, method: str, path: str, request: pytest.FixtureRequest
) -> None:
    @settings(max_examples=EXAMPLES, database=None, suppress_health_check=list(HealthCheck))
    @given(cases(method, path), st.integers(0, 3))
    def ask(case: Case, dice: int) -> None:
        if dice:
            visitor.ground(case)
        answer = visitor.call(case)
        faults = judge().faults(answer)
        wrong = [each for each in faults if not is_excused(request.node.nodeid, answer, each)]
        assert wrong == [], f"{answer}\n{case.as_curl_command()}\n{answer.body[:2000]!r}"

    ask()
