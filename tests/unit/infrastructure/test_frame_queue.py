from __future__ import annotations

from homeserver.infrastructure.frame_queue import FrameQueue

OVERHEAD = 64


def test_frames_come_out_as_they_went_in() -> None:
    queue = FrameQueue()
    for frame in (b"a", b"", b"c"):
        queue.push(frame)
    assert len(queue) == 3
    assert queue.take(1000) == [b"a", b"", b"c"]
    assert len(queue) == 0


def test_taking_stops_at_the_size_but_takes_one_at_least() -> None:
    queue = FrameQueue()
    for frame in (b"x" * 50, b"y" * 10, b"z" * 10):
        queue.push(frame)
    assert queue.take(20) == [b"x" * 50]
    assert queue.take(20) == [b"y" * 10, b"z" * 10]
    assert queue.take(20) == []


def test_the_oldest_give_way() -> None:
    queue = FrameQueue(3 * (OVERHEAD + 1))
    for frame in (b"1", b"2", b"3", b"4", b"5"):
        queue.push(frame)
    assert queue.take(1000) == [b"3", b"4", b"5"]


def test_a_frame_that_is_larger_than_all_that_may_wait_waits_alone() -> None:
    queue = FrameQueue(100)
    queue.push(b"small")
    queue.push(b"x" * 1000)
    assert queue.take(1) == [b"x" * 1000]


def test_what_is_put_back_is_the_oldest_again_and_gives_way_first() -> None:
    queue = FrameQueue(3 * (OVERHEAD + 1))
    for frame in (b"1", b"2"):
        queue.push(frame)
    taken = queue.take(1000)
    for frame in (b"3", b"4"):
        queue.push(frame)
    queue.put_back(taken)
    assert queue.take(1000) == [b"2", b"3", b"4"]


def test_room_is_free_again_after_taking_and_clearing() -> None:
    queue = FrameQueue(2 * (OVERHEAD + 1))
    for _ in range(3):
        queue.push(b"1")
        queue.push(b"2")
        assert queue.take(1000) == [b"1", b"2"]
        queue.push(b"3")
        assert queue.clear() == 1
