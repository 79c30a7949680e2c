"""Histories made by hand: each kind of violation is found, and told with its story."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from homeserver.domain.sync.token import SyncToken, encode_token
from homeserver.domain.sync.vector import Vector
from tests.prove.checks.every import violations
from tests.prove.history import (
    LETTER,
    MESSAGE,
    REDACTION,
    STATE,
    Answer,
    Attempt,
    Errand,
    Fault,
    History,
    Portion,
)
from tests.prove.truth import Placed, Truth, View

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.prove.violation import Violation

ROOM, PHONE, ANNA, GUEST = "!room", "anna-1", "@anna:x", "@guest:x"


def token(**slots: int) -> str:
    """A token at these positions."""
    positions = {int(name[1:]): pos for name, pos in slots.items()}
    return encode_token(SyncToken(Vector(positions), b"g" * 8, 7))


T0, T1, T2, T3 = token(s1=1), token(s1=3), token(s1=3, s2=2), token(s1=5, s2=4)


class Run:
    """A run in which all went well: anna's writer sent four events, her phone got them."""

    def __init__(self) -> None:
        self.history, self.truth = History(), Truth({ROOM: []})
        self.truth.users = {PHONE: ANNA}
        self.truth.settled = frozenset({ANNA})
        self.order.append(Placed("$start", ANNA, member=(ANNA, "join"), visibility="joined"))
        self.send(1, "$1")
        self.send(2, "$2")
        self.send(3, "$3", STATE)
        self.send(4, "$4", REDACTION, "$1")
        self.order[1] = replace(self.order[1], redacted=True)
        self.answer("", T0, "$start")
        self.answer(T0, T1, "$1", taken=False)
        self.answer(T0, T2, "$2", filled=("$1",))
        self.answer(T2, T3, "$3", "$4")
        self.history.faults.append(Fault(0.5, 0.7, "broker-kill", "broker"))
        self.view("$start", "$1", "$2", "$3", "$4")

    @property
    def order(self) -> list[Placed]:
        return self.truth.rooms[ROOM]

    @property
    def answers(self) -> list[Answer]:
        return self.history.answers[PHONE]

    def place(self, event_id: str, label: str = "") -> None:
        self.order.append(Placed(event_id, ANNA, label))

    def send(self, number: int, event_id: str, kind: str = MESSAGE, target: str = "") -> Errand:
        errand = self.history.want(Errand(ROOM, "anna", number, kind, f"t{number}", target))
        self.acknowledge(errand, event_id)
        self.place(event_id, errand.label)
        return errand

    def acknowledge(self, errand: Errand, event_id: str) -> None:
        at = errand.number / 10
        self.history.attempts.append(Attempt(at, at + 0.01, errand.label, "w1", "", event_id))

    def answer(self, since: str, upto: str, *ids: str, taken: bool = True, **more: object) -> None:
        portion = Portion(ids, bool(more), **more)  # type: ignore[arg-type]
        at = len(self.answers) / 10
        self.history.tell(
            Answer(at, PHONE, "w2", "poll", since, upto, {ROOM: portion}, taken=taken)
        )

    def view(self, *ids: str, user: str = ANNA) -> None:
        self.truth.views.append(View(ROOM, user, "/messages", ids))

    def told(self, at: int, *ids: str) -> None:
        """Let an answer have had these events instead."""
        self.answers[at] = replace(self.answers[at], rooms={ROOM: Portion(ids)})

    def found(self) -> list[Violation]:
        return list(violations(self.history, self.truth))


def test_a_good_run_has_no_violation() -> None:
    run = Run()
    assert run.found() == []
    assert run.history.deliveries == 6


def lost(run: Run) -> None:
    run.acknowledge(run.history.want(Errand(ROOM, "anna", 5, MESSAGE)), "$5")


def twice_in_the_room(run: Run) -> None:
    run.order.append(run.order[2])


def one_errand_two_events(run: Run) -> None:
    run.place("$2b", "anna#2")
    run.told(3, "$3", "$4", "$2b")


def two_answers(run: Run) -> None:
    run.acknowledge(run.history.errands["anna#2"], "$1")


def mixed_by_the_room(run: Run) -> None:
    run.order[1:3] = run.order[2:0:-1]
    run.answers[2] = replace(run.answers[2], rooms={ROOM: Portion(("$2", "$1"))})


def not_redacted(run: Run) -> None:
    run.order[1] = replace(run.order[1], redacted=False)


def missed(run: Run) -> None:
    run.told(3, "$4")


def saw_nothing(run: Run) -> None:
    run.history.answers[PHONE] = []


def told_twice(run: Run) -> None:
    run.told(3, "$2", "$3", "$4")


def told_in_another_order(run: Run) -> None:
    run.told(3, "$4", "$3")


def told_of_what_is_not_there(run: Run) -> None:
    run.told(3, "$3", "$ghost", "$4")


def another_view(run: Run) -> None:
    run.view("$start", "$2", "$1", "$3", "$4")


def shorter_view(run: Run) -> None:
    run.view("$start", "$1", "$2", "$3")


def saw_before_joining(run: Run) -> None:
    run.truth.users["guest-1"] = GUEST
    run.order.append(Placed("$join", GUEST, member=(GUEST, "join")))
    run.told(3, "$3", "$4", "$join")
    run.history.tell(Answer(1, "guest-1", "w1", "poll", "", T1, {ROOM: Portion(("$4", "$join"))}))


def lost_answer_had_too_much(run: Run) -> None:
    run.truth.users["guest-1"] = GUEST
    answer = Answer(1, "guest-1", "w1", "poll", "", T1, {ROOM: Portion(("$4",))}, taken=False)
    run.history.tell(answer)


def went_back(run: Run) -> None:
    run.answers[3] = replace(run.answers[3], token=token(s1=9, s2=1))


def another_token(run: Run) -> None:
    run.answers[3] = replace(run.answers[3], since=T1)


def letter_lost(run: Run) -> None:
    run.acknowledge(run.history.want(Errand(PHONE, "post", 1, LETTER)), "sent")
    run.answers[1] = replace(run.answers[1], letters=("post#1",))


def letter_twice(run: Run) -> None:
    run.acknowledge(run.history.want(Errand(PHONE, "post", 1, LETTER)), "sent")
    for at in (2, 3):
        run.answers[at] = replace(run.answers[at], letters=("post#1",))


@pytest.mark.parametrize(
    ("rule", "harm"),
    [
        ("I1 lost", lost),
        ("I1 doubled", twice_in_the_room),
        ("I1 doubled", one_errand_two_events),
        ("I2", two_answers),
        ("I1 order", mixed_by_the_room),
        ("I1 redaction", not_redacted),
        ("I1 missed", missed),
        ("I1 missed", saw_nothing),
        ("I1 doubled", told_twice),
        ("I3 order", told_in_another_order),
        ("I3", told_of_what_is_not_there),
        ("I3", another_view),
        ("I3", shorter_view),
        ("I8", saw_before_joining),
        ("I8", lost_answer_had_too_much),
        ("I5", went_back),
        ("I5", another_token),
        ("I9", letter_lost),
        ("I9", letter_twice),
    ],
)
def test_each_harm_is_found(rule: str, harm: Callable[[Run], None]) -> None:
    run = Run()
    harm(run)
    assert rule in {violation.rule for violation in run.found()}


def test_a_letter_that_was_lost_with_its_answer_may_come_again() -> None:
    run = Run()
    run.acknowledge(run.history.want(Errand(PHONE, "post", 1, LETTER)), "sent")
    for at in (1, 2):
        run.answers[at] = replace(run.answers[at], letters=("post#1",))
    assert run.found() == []


def test_state_without_a_transaction_id_may_be_there_twice() -> None:
    run = Run()
    run.place("$3b", "anna#3")
    run.told(3, "$3", "$4", "$3b")
    run.truth.views.clear()
    assert run.found() == []


def test_a_guest_sees_a_closed_room_from_joining_to_leaving() -> None:
    truth = Truth({ROOM: [Placed("$0"), Placed("$h", visibility="joined"), Placed("$1")]})
    truth.rooms[ROOM] += [Placed("$2", member=(GUEST, "join")), Placed("$3")]
    truth.rooms[ROOM] += [Placed("$4", member=(GUEST, "leave")), Placed("$5")]
    assert truth.visible(ROOM, GUEST) == ["$0", "$h", "$2", "$3", "$4"]
    assert truth.visible(ROOM, "@nobody:x") == []


def test_a_story_has_the_sending_the_answers_around_and_the_faults() -> None:
    run = Run()
    missed(run)
    run.order[3] = replace(run.order[3], place=(1, 4))
    (violation,) = [v for v in run.found() if v.rule == "I1 missed"]
    text = str(violation)
    assert text.startswith(f"I1 missed: {PHONE} was never told $3 of {ROOM}")
    for part in (
        "send anna#3 to w1: acknowledged as $3",
        "since 1:3 2:2 until 1:5 2:4",
        "broker-kill",
    ):
        assert part in text
    assert "since the beginning" not in text, "an answer that shows nothing of it"
    times = [float(line.split()[0]) for line in violation.story]
    assert times == sorted(times)
