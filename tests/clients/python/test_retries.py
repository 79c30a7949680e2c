"""When a call is tried again, where, and how long it waits."""

from __future__ import annotations

import pytest

from firn_client import ConnectionFailedError, FirnError, LimitExceededError, MatrixError
from firn_client.answers import Answers, Transactions
from firn_client.backoff import Attempts, Backoff
from firn_client.chooser import Chooser, Transport
from firn_client.errors import ForbiddenError, refusal
from firn_client.servers import Servers

LOST = ConnectionFailedError("cut", sent=True)
UNSENT = ConnectionFailedError("refused", sent=False)


def attempts(*, repeatable: bool = True, patience: float = 100.0, dice: float = 0.0) -> Attempts:
    backoff = Backoff(first=1.0, longest=8.0)
    return Attempts(
        repeatable=repeatable, patience=patience, now=0.0, backoff=backoff, dice=lambda: dice
    )


def test_waits_double_up_to_the_longest() -> None:
    tries = attempts()
    assert [tries.after(LOST, 0.0) for _ in range(5)] == [1.0, 2.0, 4.0, 8.0, 8.0]


def test_chance_halves_a_wait_at_most() -> None:
    assert attempts(dice=0.5).after(LOST, 0.0) == 0.75


def test_patience_ends() -> None:
    tries = attempts(patience=3.0)
    assert tries.after(LOST, 1.5) == 1.0
    assert tries.after(LOST, 2.5) is None


@pytest.mark.parametrize(
    ("failure", "once", "many"),
    [
        (UNSENT, True, True),
        (LOST, False, True),
        (refusal(502, None), False, True),
        (refusal(500, {"errcode": "M_UNKNOWN"}), False, True),
        (refusal(403, {"errcode": "M_FORBIDDEN"}), False, False),
        (refusal(429, {}), True, True),
    ],
)
def test_only_what_is_safe_is_tried_again(failure: FirnError, once: bool, many: bool) -> None:
    assert (attempts(repeatable=False).after(failure, 0.0) is not None) is once
    assert (attempts().after(failure, 0.0) is not None) is many


def test_a_rate_limit_says_how_long() -> None:
    limited = {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 4200}
    assert attempts().after(refusal(429, limited), 0.0) == 4.2
    assert attempts().after(refusal(429, None, "7"), 0.0) == 7.0
    assert attempts().after(refusal(429, None, "soon"), 0.0) == 1.0


def test_errors_have_the_class_of_their_code() -> None:
    assert type(refusal(403, {"errcode": "M_FORBIDDEN", "error": "no"})) is ForbiddenError
    assert type(refusal(400, {"errcode": "M_SOMETHING_ELSE"})) is MatrixError
    assert type(refusal(429, "<html>")) is LimitExceededError
    assert refusal(502, ["?"]).errcode == ""


def test_the_next_server_is_one_that_did_not_fail_lately() -> None:
    servers = Servers(["http://a/", "http://b", "http://c"])
    assert servers.failed("http://a", 0.0)
    assert servers.current == "http://b"
    assert servers.failed("http://b", 1.0)
    assert servers.current == "http://c"
    assert not servers.failed("http://c", 2.0), "all failed lately"
    assert servers.current == "http://a", "the one that failed longest ago"


def test_a_late_failure_of_a_server_that_was_left_moves_nothing() -> None:
    servers = Servers(["http://a", "http://b"])
    servers.failed("http://a", 0.0)
    assert servers.failed("http://a", 0.1)
    assert servers.current == "http://b"


def test_one_server_stays() -> None:
    servers = Servers(["http://a"])
    assert not servers.failed("http://a", 0.0)
    assert servers.current == "http://a"
    with pytest.raises(ValueError, match="no server"):
        Servers([])


def test_the_stream_is_preferred_and_tried_again_after_a_while() -> None:
    chooser = Chooser()
    for _ in range(2):
        chooser.lost(0.0)
    chooser.worked()
    chooser.lost(0.0)
    assert chooser.pick(0.0) is Transport.STREAM
    for _ in range(2):
        chooser.lost(0.0)
    assert chooser.pick(59.0) is Transport.POLL
    assert chooser.pick(61.0) is Transport.STREAM
    chooser.refused(61.0)
    assert chooser.pick(3600.0) is Transport.POLL
    assert Chooser(Transport.STREAM).pick(0.0) is Transport.STREAM


def test_answers_have_the_same_ids_in_every_process() -> None:
    one, other = Answers(), Answers()
    first, second = one.next("$a"), one.next("$a")
    assert first != second
    assert one.next("$b") not in (first, second)
    assert (other.next("$a"), other.next("$a")) == (first, second)
    one.begin("$a")
    assert one.next("$a") == first


def test_transactions_never_repeat() -> None:
    one = Transactions("p")
    assert len({one.next() for _ in range(100)}) == 100
