"""The rooms of the table: one for each case, told to the end before anybody reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.integration.visibility.oracle import BANNED, CASES, KNOCKED, STAGES, Case

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown


@dataclass
class Story:
    """A room, who reads it, and which events were sent in which stage.

    `said` and `replied` hold event ids by stage; a reply stands in a thread under the message
    of the first stage, an answer under that of its own. The texts are in no other room.
    """

    case: Case
    room: str
    alias: str
    reader: Phone
    said: dict[str, str] = field(default_factory=dict)
    replied: dict[str, str] = field(default_factory=dict)
    sent_at: dict[str, int] = field(default_factory=dict)
    late: str = ""

    def text(self, what: str, stage: str) -> str:
        """What was sent as a message (`said`), a reply, or a topic in a stage."""
        return f"{what} {self.mark} {stage}"

    @property
    def mark(self) -> str:
        """A word that is in this story alone."""
        return f"s{CASES.index(self.case)}s"


@dataclass
class Stage:
    """The town with all its stories."""

    town: SyncTown
    stories: dict[Case, Story] = field(default_factory=dict)


async def tell_all(town: SyncTown) -> Stage:
    """Tell every story."""
    stage = Stage(town)
    romeo, nurse = await town.phone("romeo"), await town.phone("nurse")
    for case in CASES:
        stage.stories[case] = await _tell(town, romeo, nurse, case)
    return stage


async def _tell(town: SyncTown, romeo: Phone, nurse: Phone, case: Case) -> Story:
    number = CASES.index(case)
    reader = await town.phone(f"reader{number}")
    initial: list[dict[str, Any]] = [
        {
            "type": "m.room.history_visibility",
            "state_key": "",
            "content": {"history_visibility": case.visibility},
        },
        {
            "type": "m.room.join_rules",
            "state_key": "",
            "content": {"join_rule": "knock" if case.membership == KNOCKED else "invite"},
        },
    ]
    room = await romeo.create_room(
        initial_state=initial, creation_content={"type": "m.space"}, room_alias_name=f"room{number}"
    )
    story = Story(case, room, f"#room{number}:firn.test", reader)
    for name, membership in STAGES[case.membership]:
        await _step(story, romeo, membership)
        last = name == case.stages[-1]
        if last:  # a member whom only those know who see the room as it is now
            await romeo.do("invite", room, nurse)
            await nurse.do("join", room)
            story.late = nurse.user_id
        await _fill(story, romeo, name)
    return story


async def _step(story: Story, romeo: Phone, membership: str) -> None:
    reader, room = story.reader, story.room
    match membership:
        case "invite":
            await romeo.do("invite", room, reader)
        case "knock":
            await reader.call("POST", f"/knock/{room}", {})
        case "join" | "leave":
            await reader.do(membership, room)
        case "ban":
            assert story.case.membership == BANNED
            await romeo.do("ban", room, reader)


async def _fill(story: Story, romeo: Phone, stage: str) -> None:
    """Say something in a stage: a topic, a message, a reply to the first message."""
    await romeo.topic(story.room, story.text("topic", stage))
    said = await romeo.send(story.room, story.text("said", stage))
    story.said[stage] = said
    first = story.said[story.case.stages[0]]
    for parent, what in ((first, "replied"), (said, "answered")):
        content: dict[str, Any] = {"msgtype": "m.text", "body": story.text(what, stage)}
        content["m.relates_to"] = {"rel_type": "m.thread", "event_id": parent}
        sent = await romeo.send(story.room, **content)
        if what == "replied":
            story.replied[stage] = sent
    event = await romeo.room_call("GET", story.room, f"event/{said}")
    story.sent_at[stage] = event["origin_server_ts"]
