"""The core of a socket: frames and ticks in, actions out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from homeserver.presentation.stream import pulse, window
from homeserver.presentation.stream.close_codes import CloseCode
from homeserver.presentation.stream.frames import Send, Typing
from homeserver.presentation.stream.session import Bye, Do, Knock, Say, Session

BODY = b'{"next_batch":"s1"}'


class Allowance:
    """Lets so many frames in."""

    def __init__(self, left: int = 1000) -> None:
        self.left = left

    def __call__(self) -> int | None:
        """One more?"""
        self.left -= 1
        return None if self.left >= 0 else 250


def is_open(one: Session) -> bool:
    """Whether one more frame may go out."""
    return one.window.is_open


def session(allow: int = 1000) -> Session:
    """A socket that was opened at second 0."""
    return Session(Allowance(allow))


def text(one: Session, frame: dict[str, Any], now: float = 0.0) -> Any:
    """Let a frame come in."""
    return one.text(json.dumps(frame).encode(), now)


def last_words(bye: Any) -> dict[str, Any]:
    """The error frame of a goodbye."""
    assert isinstance(bye, Bye)
    frame: dict[str, Any] = json.loads(bye.last or b"null")
    assert frame["type"] == "error"
    body: dict[str, Any] = frame["body"]
    return body


def test_frames_are_numbered_and_the_window_closes_after_four() -> None:
    one = session()
    for seq in range(1, window.MAX_FRAMES + 1):
        assert is_open(one)
        said = one.news(BODY, 0.0)
        assert json.loads(said.data) == {"type": "sync", "seq": seq, "body": {"next_batch": "s1"}}
    assert not is_open(one)
    assert text(one, {"type": "ack", "seq": 2}) is None
    assert is_open(one)
    assert json.loads(one.news(BODY, 0.0).data)["seq"] == window.MAX_FRAMES + 1


def test_the_window_closes_above_a_megabyte() -> None:
    one = session()
    one.news(BODY, 0.0)
    one.news(b" " * window.MAX_BYTES, 0.0)
    assert not is_open(one)
    text(one, {"type": "ack", "seq": 1})
    assert not is_open(one)
    text(one, {"type": "ack", "seq": 2})
    assert is_open(one)
    assert one.window.empty


def test_an_old_acknowledgement_opens_nothing() -> None:
    one = session()
    for _ in range(window.MAX_FRAMES):
        one.news(BODY, 0.0)
    text(one, {"type": "ack", "seq": 3})
    text(one, {"type": "ack", "seq": 1})
    assert (one.window.acknowledged, one.window.sent) == (3, 4)


def test_who_acknowledges_what_was_not_sent_is_refused() -> None:
    one = session()
    one.news(BODY, 0.0)
    bye = text(one, {"type": "ack", "seq": 2})
    assert (bye.code, last_words(bye)["errcode"]) == (CloseCode.BAD_FRAME, "M_INVALID_PARAM")


@pytest.mark.parametrize("asked", ["a", "", 7, -(2**53) + 1, "😀" * 255])
def test_a_ping_gives_its_id_back(asked: str | int) -> None:
    said = text(session(), {"type": "ping", "id": asked})
    assert isinstance(said, Say)
    assert json.loads(said.data) == {"type": "pong", "id": asked}


def test_requests_are_to_be_done() -> None:
    content = {"body": "é", "n": 2**60}
    frame = {"type": "send", "id": 1, "room_id": "!r", "event_type": "m.x", "txn_id": "t"}
    do = text(session(), {**frame, "content": content})
    assert isinstance(do, Do)
    assert isinstance(do.request, Send)
    assert json.loads(bytes(do.request.content)) == content
    do = text(session(), {"type": "typing", "id": 1, "room_id": "!r", "typing": True})
    assert isinstance(do.request, Typing)
    assert do.request.timeout == 30_000


@pytest.mark.parametrize(
    ("frame", "status", "errcode"),
    [
        ({"type": "sing", "id": "a"}, 404, "M_UNRECOGNIZED"),
        ({"type": "send", "id": "a"}, 400, "M_BAD_JSON"),
        ({"type": "typing", "id": "a", "room_id": "!r", "typing": 1}, 400, "M_BAD_JSON"),
        ({"type": "typing", "id": "a", "room_id": "", "typing": True}, 400, "M_BAD_JSON"),
    ],
)
def test_a_request_that_can_be_answered_is(
    frame: dict[str, Any], status: int, errcode: str
) -> None:
    said = json.loads(text(session(), frame).data)
    assert (said["type"], said["id"], said["status"]) == ("response", "a", status)
    assert said["body"]["errcode"] == errcode


def test_what_cannot_be_answered_ends_the_socket() -> None:
    for data in (b"\xff", b"nope", b"[]", b'{"type":"ping"}', b'{"id":1}'):
        assert session().text(data, 0.0).code is CloseCode.BAD_FRAME  # type: ignore[union-attr]
    assert last_words(session().binary())["errcode"] == "M_NOT_JSON"


def test_a_flood_ends_the_socket_but_news_taken_in_do_not_count() -> None:
    one = session(allow=1)
    for seq in range(1, 50):
        one.news(BODY, 0.0)
        assert text(one, {"type": "ack", "seq": seq}) is None
    assert isinstance(text(one, {"type": "ping", "id": 1}), Say)
    bye = text(one, {"type": "ack", "seq": 3})
    assert bye.code is CloseCode.TOO_MANY
    assert last_words(bye)["retry_after_ms"] == 250
    assert one.control().code is CloseCode.TOO_MANY  # type: ignore[union-attr]


def ticks(one: Session, *buffered: int) -> list[Any]:
    """The actions of ticks at which so much is in the buffer."""
    return [one.tick((n + 1) * pulse.PING_SECONDS, size) for n, size in enumerate(buffered)]


def test_a_silent_peer_is_pinged_and_then_dead() -> None:
    fine, ping, dead = ticks(session(), 0, 0, 0)
    assert fine is None
    assert isinstance(ping, Knock)
    assert dead == Bye(CloseCode.SILENT)


def test_a_pong_is_life() -> None:
    one = session()
    assert ticks(one, 0, 0)[1] == Knock()
    one.control()
    assert one.tick(90.0, 0) is None


def test_E7_a_peer_that_takes_what_was_written_is_alive() -> None:
    one = session()
    one.news(BODY, 0.0)
    assert ticks(one, 900, 800, 700, 600, 500, 400) == [None] * 6
    assert isinstance(one.tick(210.0, 400), Knock)
    assert one.tick(240.0, 400) == Bye(CloseCode.SILENT)


def test_who_never_acknowledges_is_dead_though_it_pongs() -> None:
    one = session()
    one.news(BODY, 0.0)
    one.control()
    assert one.tick(30.0, 0) is None
    one.control()
    assert one.tick(60.0, 0) == Bye(CloseCode.SILENT)


def test_time_runs_for_an_acknowledgement_only_while_one_is_due() -> None:
    one = session()
    for now in range(30, 3000, 30):
        one.control()
        assert one.tick(float(now), 0) is None
    one.news(BODY, 2999.0)
    one.control()
    assert one.tick(3000.0, 0) is None
    one.control()
    assert one.tick(3030.0, 0) is None
    text(one, {"type": "ack", "seq": 1}, 3040.0)
    one.news(BODY, 3045.0)
    for late in (3060.0, 3090.0):
        one.control()
        assert one.tick(late, 0) is None
    one.control()
    assert one.tick(3120.0, 0) == Bye(CloseCode.SILENT)
