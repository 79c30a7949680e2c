"""User-interactive authentication, request by request."""

from __future__ import annotations

from typing import Any

import pytest

from homeserver.domain.accounts.uia import (
    Attempt,
    Binding,
    Challenge,
    Completed,
    Failure,
    Requirement,
    UiaSession,
    begin,
    body_digest,
    check,
    complete_stage,
    conclude,
)

TWO = Requirement((("a", "b"), ("a", "c")), {"c": {"key": 1}})
ONE = Requirement((("m.login.password",),))
CALL = Binding("POST /delete_devices", "@a:x", body_digest({"devices": ["X"]}))
OTHER_BODY = Binding(CALL.endpoint, "@a:x", body_digest({"devices": ["Y"]}))


def run(
    requirement: Requirement,
    stored: UiaSession | None,
    auth: Any,
    binding: Binding = CALL,
    verified: bool = True,
) -> Completed | Challenge | Failure:
    step = begin(requirement, binding, stored, auth, "new")
    return conclude(requirement, step, verified=verified) if isinstance(step, Attempt) else step


def started(requirement: Requirement = TWO, *done: str) -> UiaSession:
    step = run(requirement, None, None)
    assert isinstance(step, Challenge)
    session = step.session
    for stage in done:
        session = complete_stage(session, stage)
    return session


def auth(stage: str) -> dict[str, str]:
    return {"type": stage, "session": "new"}


def test_a_request_without_auth_is_told_the_flows() -> None:
    step = run(TWO, None, None)
    assert isinstance(step, Challenge)
    assert step.body == {
        "flows": [{"stages": ["a", "b"]}, {"stages": ["a", "c"]}],
        "params": {"c": {"key": 1}},
        "session": "new",
    }


def test_stages_are_completed_one_by_one() -> None:
    first = run(TWO, started(), auth("a"))
    assert isinstance(first, Challenge)
    assert first.body["completed"] == ["a"]
    assert "errcode" not in first.body
    assert isinstance(run(TWO, first.session, auth("c")), Completed)


def test_a_failed_stage_may_be_tried_again() -> None:
    failed = run(TWO, started(TWO, "a"), auth("b"), verified=False)
    assert isinstance(failed, Challenge)
    assert failed.body["errcode"] == "M_FORBIDDEN"
    assert failed.body["completed"] == ["a"]
    assert isinstance(run(TWO, failed.session, auth("b")), Completed)


@pytest.mark.parametrize("stage", ["b", "c", "m.login.dummy", "", 7, []])
def test_D3_a_stage_that_is_not_due_is_not_verified(stage: Any) -> None:
    step = begin(TWO, CALL, started(), {"type": stage, "session": "new"}, "n2")
    assert isinstance(step, Challenge)
    assert step.body["errcode"] == "M_FORBIDDEN"
    assert step.session.completed == ()


def test_D3_a_session_of_another_endpoint_or_user_is_refused() -> None:
    session = started(ONE, "m.login.password")
    for endpoint, user in (("POST /account/deactivate", "@a:x"), (CALL.endpoint, "@b:x")):
        step = run(ONE, session, auth("m.login.password"), Binding(endpoint, user, b""))
        assert isinstance(step, Failure)
        assert (step.error.status, step.error.errcode) == (403, "M_FORBIDDEN")


def test_D3_a_changed_body_is_refused() -> None:
    for session in (started(ONE), started(ONE, "m.login.password")):
        step = run(ONE, session, auth("m.login.password"), OTHER_BODY)
        assert isinstance(step, Failure)
        assert step.error.status == 403


def test_registration_may_change_the_body_until_a_stage_is_done() -> None:
    register = Requirement(TWO.flows, body_may_change=True)
    step = run(register, started(register), auth("a"), OTHER_BODY)
    assert isinstance(step, Challenge)
    assert step.session.binding == OTHER_BODY
    assert isinstance(run(register, step.session, auth("b"), CALL), Failure)
    assert isinstance(run(register, step.session, auth("b"), OTHER_BODY), Completed)


def test_auth_without_a_session_starts_one() -> None:
    assert isinstance(run(ONE, None, {"type": "m.login.password"}), Completed)
    failed = run(ONE, None, {"type": "m.login.password"}, verified=False)
    assert isinstance(failed, Challenge)
    assert failed.body["session"] == "new"


def test_a_session_that_is_gone_is_answered_with_a_new_one() -> None:
    step = run(ONE, None, {"type": "m.login.password", "session": "old"})
    assert isinstance(step, Challenge)
    assert (step.body["session"], step.body["errcode"]) == ("new", "M_FORBIDDEN")


def test_a_session_alone_asks_what_is_done_out_of_band() -> None:
    waiting = run(TWO, started(TWO, "a"), {"session": "new"})
    assert isinstance(waiting, Challenge)
    assert waiting.body["completed"] == ["a"]
    assert isinstance(run(TWO, started(TWO, "a", "b"), {"session": "new"}), Completed)


def test_a_completed_stage_is_not_tried_again() -> None:
    step = begin(TWO, CALL, started(TWO, "a"), auth("a"), "n2")
    assert isinstance(step, Challenge)
    assert step.body["completed"] == ["a"]


def test_auth_must_be_an_object() -> None:
    step = run(ONE, None, ["m.login.password"])
    assert isinstance(step, Failure)
    assert step.error.errcode == "M_BAD_JSON"


def test_the_digest_leaves_auth_and_key_order_out() -> None:
    digest = body_digest({"a": 1, "b": {"c": 10**30, "d": "é"}})
    assert digest == body_digest({"b": {"d": "é", "c": 10**30}, "a": 1, "auth": {}})
    assert digest != body_digest({"a": 1, "b": {"c": 10**30, "d": "e"}})


@pytest.mark.asyncio
async def test_check_runs_the_stages_verifier() -> None:
    async def right_password(given: Any) -> bool:
        return bool(given["password"] == "secret")

    verifiers = {"m.login.password": right_password}
    for password, expected in (("secret", Completed), ("wrong", Challenge)):
        given = {"type": "m.login.password", "password": password}
        assert isinstance(
            await check(ONE, CALL, None, given, new_session_id="new", verifiers=verifiers), expected
        )
    assert isinstance(
        await check(ONE, CALL, None, None, new_session_id="new", verifiers=verifiers), Challenge
    )
