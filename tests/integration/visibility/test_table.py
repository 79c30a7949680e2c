"""Bad-inputs D8: each route that reads rooms, by membership and history visibility; I8 with it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.visibility.oracle import CASES, KNOCKED, STAGES, Case
from tests.integration.visibility.rows import OK, ROWS, Ask, secrets
from tests.support.client import V3

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.visibility.stories import Stage, Story

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "routes.md"
ROUTES = re.findall(r"^\| ([A-Z]+) \| `([^`]+)` \|", PAGE.read_text(), re.MULTILINE)
ABOUT_ROOMS = re.compile("room|event|sync|search|notification|stream|thread", re.IGNORECASE)
READING_POST = ("search", "sync", "publicRooms", "query")
DELAYED = "/_matrix/client/unstable/org.matrix.msc4140/delayed_events"
TELL_NOTHING = {
    ("GET", "/_firn/admin/v1/rooms/{roomId}/purges/{purgeId}"),  # to administrators: how far it is
    ("GET", "/_firn/client/v1/stream"),  # what /sync tells, in pieces: see tests/integration/stream
    ("GET", "/_matrix/client/v3/directory/list/room/{roomId}"),  # published, or not
    ("GET", "/_matrix/client/v3/directory/room/{roomAlias}"),  # the id that an alias stands for
    ("GET", "/_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}"),  # one's own
    ("GET", "/_matrix/client/v3/user/{userId}/rooms/{roomId}/tags"),  # one's own
    ("POST", "/_matrix/client/v3/user_directory/search"),  # people
    ("GET", DELAYED),  # what one wants to send oneself
    ("GET", f"{DELAYED}/{{delayId}}"),
}

WITHOUT_TOKEN = {
    ("GET", f"{V3}/publicRooms"): 200,
    ("GET", "/_matrix/client/v1/room_summary/{roomIdOrAlias}"): 404,
    ("GET", "/_matrix/client/unstable/im.nheko.summary/summary/{roomIdOrAlias}"): 404,
}


def reads_rooms(method: str, path: str) -> bool:
    """Whether a route may tell something about rooms, by its name."""
    reads = method == "GET" or (method == "POST" and path.endswith(READING_POST))
    return reads and bool(ABOUT_ROOMS.search(path))


async def ask(story: Story, wanted: Ask) -> tuple[int, str]:
    """Status and text of an answer."""
    return await story.reader.raw(wanted.method, wanted.path, wanted.body, wanted.query)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("route", ROWS, ids=" ".join)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_D8_I8_readers_get_what_the_specification_grants_and_no_byte_more(
    stage: Stage, route: tuple[str, str], case: Case
) -> None:
    story = stage.stories[case]
    for wanted in ROWS[route](story):
        status, answer = await ask(story, wanted)
        assert status == wanted.status, (wanted, answer)
        told = {secret for secret in secrets(story) if secret in answer}
        assert not told - wanted.has - wanted.may, (wanted.path, "too much")
        assert not any(text in answer for text in wanted.lacks), (wanted.path, "too much")
        missing = {text for text in wanted.has if text not in answer}
        assert not missing, (wanted.path, "too little")
        assert status == OK or not wanted.has


def test_D8_every_route_has_a_row_or_is_known_to_tell_nothing_of_rooms() -> None:
    assert {route for route in ROUTES if reads_rooms(*route)} == set(ROWS) | TELL_NOTHING
    assert not set(ROWS) & TELL_NOTHING


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("route", ROWS, ids=" ".join)
async def test_I8_who_has_no_token_learns_nothing_of_what_was_sent(
    stage: Stage, route: tuple[str, str]
) -> None:
    """But for the summaries of rooms that are open to all, by reading or by knocking."""
    for case, story in stage.stories.items():
        shows = "summary" in route[1] and (case.is_open or case.membership == KNOCKED)
        topic = story.text("topic", case.stages[-1])
        for wanted in ROWS[route](story):
            status, answer = await story.reader.raw(
                wanted.method, wanted.path, wanted.body, wanted.query, token=""
            )
            told = {secret for secret in secrets(story) if secret in answer}
            assert told == ({topic} if shows else set())
            assert status == (OK if shows else WITHOUT_TOKEN.get(route, 401))


def messages_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every message in an answer, wherever it stands."""
    if isinstance(value, dict):
        if "event_id" in value and "body" in value.get("content", {}):
            yield value
        for part in value.values():
            yield from messages_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from messages_in(part)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", [c for c in CASES if c.may_read], ids=lambda case: case.name)
async def test_every_message_says_what_its_reader_was_when_it_was_sent(
    stage: Stage, case: Case
) -> None:
    """`unsigned.membership` (MSC4115), on every route that gives messages."""
    story, memberships = stage.stories[case], dict(STAGES[case.membership])
    telling = set()
    for route, row in ROWS.items():
        for wanted in row(story):
            _, answer = await ask(story, wanted)
            for message in messages_in(json.loads(answer)):
                stage_name = message["content"]["body"].rsplit(" ", 1)[1]
                expected = memberships[stage_name].replace("none", "leave")
                assert message["unsigned"]["membership"] == expected, (route, message)
                telling.add(route)
    assert len(telling) >= 9
