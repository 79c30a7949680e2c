"""Makes the recorded rooms under tests/golden/dags: `python -m tests.support.make_dags`.

What is expected is written here by hand; events get their real hashes and ids.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homeserver.domain.events.build import build_event
from homeserver.domain.rooms.auth import auth_types_for
from homeserver.domain.rooms.versions import ROOM_VERSIONS

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event

FOLDER = Path(__file__).parent.parent / "golden" / "dags"
ALICE, BOB, CAROL, DAVE = (
    "@alice:a.example",
    "@bob:b.example",
    "@carol:c.example",
    "@dave:d.example",
)
BASE = ["create", "alice", "levels", "rules", "bob", "carol"]
EPOCH = 1_700_000_000_000


@dataclass
class Dag:
    """A room being written down; every event has a name."""

    name: str
    about: str
    version: str = "11"
    observer: str = ALICE
    events: dict[str, Event] = field(default_factory=dict)
    orders: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self,
        name: str,
        sender: str,
        kind: str = "m.room.message",
        content: dict[str, Any] | None = None,
        *,
        key: str | None = None,
        prev: list[str],
        state: list[str],
        ts: int | None = None,
        redacts: str | None = None,
    ) -> None:
        """Add an event that cites what it needs of `state` (names of events)."""
        if content is None:
            content = {"msgtype": "m.text", "body": name}
        version = ROOM_VERSIONS[self.version]
        held = {(e.type, e.state_key): e for e in (self.events[n] for n in state)}
        wanted = auth_types_for(version, kind, key, sender, content)
        create = self.events.get("create")
        event = build_event(
            version,
            room_id=create.room_id if create else "!dag:a.example",
            sender=sender,
            type=kind,
            state_key=key,
            content=content,
            origin_server_ts=EPOCH + 1000 * (len(self.events) if ts is None else ts),
            depth=1 + max((self.events[p].depth for p in prev), default=0),
            auth_events=[held[k].event_id for k in wanted if k in held],
            prev_events=[self.events[p].event_id for p in prev],
            redacts=self.events[redacts].event_id if redacts else None,
        )
        self.events[name] = event

    def member(self, name: str, sender: str, user: str, membership: str, **where: Any) -> None:
        """Add a member event."""
        content = {"membership": membership}
        self.add(name, sender, "m.room.member", content, key=user, **where)

    def found(self) -> None:
        """Alice makes a public room, Bob (50) and Carol join."""
        content: dict[str, Any] = {"room_version": self.version}
        self.add("create", ALICE, "m.room.create", content, key="", prev=[], state=[])
        self.member("alice", ALICE, ALICE, "join", prev=["create"], state=["create"])
        users = {BOB: 50} if self.version == "12" else {ALICE: 100, BOB: 50}
        self.add(
            "levels",
            ALICE,
            "m.room.power_levels",
            {"users": users},
            key="",
            prev=["alice"],
            state=BASE[:2],
        )
        self.add(
            "rules",
            ALICE,
            "m.room.join_rules",
            {"join_rule": "public"},
            key="",
            prev=["levels"],
            state=BASE[:3],
        )
        self.member("bob", BOB, BOB, "join", prev=["rules"], state=BASE[:4])
        self.member("carol", CAROL, CAROL, "join", prev=["bob"], state=BASE[:5])

    def topic(self, name: str, sender: str, **where: Any) -> None:
        """Add a topic."""
        self.add(name, sender, "m.room.topic", {"topic": name}, key="", **where)

    def order(self, name: str, steps: list[Any], **expected: Any) -> None:
        """Add one way of arriving; a step is a list of names or a whole step."""
        whole = [s if isinstance(s, dict) else {"deliver": s} for s in steps]
        self.orders.append({"order": name, "steps": whole, **expected})

    def write(self) -> None:
        """Write the file."""
        lines: list[dict[str, Any]] = [
            {"version": self.version, "about": self.about, "observer": self.observer}
        ]
        lines += [{"id": n, "pdu": json.loads(e.json)} for n, e in self.events.items()]
        text = "".join(json.dumps(line) + "\n" for line in (*lines, *self.orders))
        (FOLDER / f"{self.name}.jsonl").write_text(text, encoding="utf-8")


def fork_and_merge() -> Dag:
    """Two topics at once; the later clock wins, one message ties the branches together."""
    dag = Dag("fork_and_merge", "Two branches set the topic; Bob's message follows both.")
    dag.found()
    dag.topic("bobs", BOB, prev=["carol"], state=BASE, ts=20)
    dag.add("chat", BOB, prev=["bobs"], state=BASE, ts=22)
    dag.topic("alices", ALICE, prev=["carol"], state=BASE, ts=21)
    dag.add("merge", BOB, prev=["chat", "alices"], state=BASE, ts=23)
    whole = {"state": [*BASE, "alices"], "extremities": ["merge"]}
    dag.order(
        "one branch, then the other",
        [BASE, ["bobs"], ["chat"], ["alices"], ["merge"]],
        timeline=[*BASE, "bobs", "chat", "alices", "merge"],
        **whole,
    )
    dag.order(
        "the other first",
        [BASE, ["alices"], ["bobs"], ["chat"], ["merge"]],
        timeline=[*BASE, "alices", "bobs", "chat", "merge"],
        **whole,
    )
    dag.order(
        "in turns",
        [BASE, ["bobs"], ["alices"], ["chat"], ["merge"]],
        timeline=[*BASE, "bobs", "alices", "chat", "merge"],
        **whole,
    )
    dag.order(
        "at once",
        [[*BASE, "bobs", "alices", "chat", "merge"]],
        timeline=[*BASE, "bobs", "alices", "chat", "merge"],
        **whole,
    )
    dag.order(
        "never tied together",
        [BASE, ["alices"], ["bobs", "chat"]],
        timeline=[*BASE, "alices", "bobs", "chat"],
        state=[*BASE, "alices"],
        extremities=["alices", "chat"],
    )
    return dag


def late_branch() -> Dag:
    """History fills a gap and moves the topic, without an event, to the one of the slow clock."""
    dag = Dag("late_branch", "An event behind a gap, and then the history between.")
    dag.found()
    dag.topic("ours", ALICE, prev=["carol"], state=BASE, ts=50)
    dag.add("lost", BOB, prev=["ours"], state=BASE, ts=30)
    dag.topic("theirs", BOB, prev=["lost"], state=BASE, ts=31)
    dag.add("after", BOB, prev=["theirs"], state=BASE, ts=32)
    dag.add("later", BOB, prev=["after"], state=BASE, ts=33)
    behind = {"deliver": ["after"], "with": ["theirs"], "states": {"after": [*BASE, "theirs"]}}
    filled = {"state": [*BASE, "theirs"], "extremities": ["after"]}
    order = [*BASE, "ours", "lost", "theirs", "after"]
    dag.order(
        "as it was sent",
        [BASE, ["ours"], ["lost"], ["theirs"], ["after"]],
        timeline=order,
        **filled,
    )
    dag.order(
        "the gap stays open",
        [BASE, ["ours"], behind],
        timeline=[*BASE, "ours", "after"],
        state=[*BASE, "ours"],
        extremities=["ours", "after"],
        gaps={"after": ["theirs"]},
    )
    dag.order(
        "filled at once",
        [BASE, ["ours"], behind, {"deliver": ["lost", "theirs"], "history": True}],
        timeline=order,
        gaps={"after": []},
        **filled,
    )
    dag.order(
        "filled with an event after it",
        [BASE, ["ours"], behind, ["later"], {"deliver": ["lost", "theirs"], "history": True}],
        timeline=[*order, "later"],
        gaps={"after": []},
        state=[*BASE, "theirs"],
        extremities=["later"],
    )
    step = {"deliver": ["theirs"], "states": {"theirs": [*BASE, "ours"]}}
    dag.order(
        "filled in two steps, by no asking",
        [BASE, ["ours"], behind, step, ["lost"]],
        timeline=order,
        gaps={"after": []},
        **filled,
    )
    dag.order(
        "not enough is known",
        [BASE, ["ours"], ["after"]],
        timeline=[*BASE, "ours"],
        state=[*BASE, "ours"],
        extremities=["ours"],
        verdicts={"after": "missing theirs"},
    )
    dag.order(
        "history that nobody asked for",
        [BASE, ["ours"], {"deliver": ["lost"], "history": True}],
        timeline=[*BASE, "ours"],
        state=[*BASE, "ours"],
        extremities=["ours"],
        verdicts={"lost": "unasked"},
    )
    return dag


def soft_failed() -> Dag:
    """Carol is banned here while she speaks there."""
    dag = Dag("soft_failed", "Carol's message follows the past in which she was not banned.")
    dag.found()
    dag.member("ban", ALICE, CAROL, "ban", prev=["carol"], state=BASE)
    dag.add("speech", CAROL, prev=["carol"], state=BASE)
    dag.add("answer", BOB, prev=["ban", "speech"], state=BASE)
    banned = [*BASE[:-1], "ban"]
    dag.order(
        "the ban first",
        [BASE, ["ban"], ["speech"], ["answer"]],
        timeline=[*BASE, "ban", "answer"],
        state=banned,
        extremities=["answer"],
        verdicts={"speech": "soft_failed v11:5"},
    )
    dag.order(
        "the speech first",
        [BASE, ["speech"], ["ban"], ["answer"]],
        timeline=[*BASE, "speech", "ban", "answer"],
        state=banned,
        extremities=["answer"],
    )
    dag.order(
        "once more",
        [BASE, ["ban"], ["speech"], ["speech"]],
        timeline=[*BASE, "ban"],
        state=banned,
        extremities=["ban"],
        verdicts={"speech": "soft_failed v11:5"},
    )
    return dag


def rejected_by_auth_events() -> Dag:
    """Dave was never here; what leans on him falls with him, what only follows him does not."""
    dag = Dag("rejected_by_auth_events", "Dave sets a topic without being in the room.")
    dag.found()
    dag.member("dave", DAVE, DAVE, "ban", prev=["carol"], state=BASE)
    dag.add("leaning", DAVE, prev=["carol"], state=[*BASE, "dave"])
    dag.add("following", BOB, prev=["dave"], state=BASE)
    refused = {"dave": "rejected v11:4.6.1", "leaning": "rejected v11:2.3"}
    dag.order(
        "one by one",
        [BASE, ["dave"], ["leaning"], ["following"]],
        verdicts=refused,
        timeline=[*BASE, "following"],
        state=BASE,
        extremities=["following"],
    )
    dag.order(
        "Dave as an auth event",
        [BASE, {"deliver": ["leaning"], "with": ["dave"]}],
        verdicts={"leaning": "rejected v11:2.3"},
        timeline=BASE,
        state=BASE,
        extremities=["carol"],
    )
    return dag


def rejected_by_state() -> Dag:
    """Carol left, then speaks as if she had not."""
    dag = Dag("rejected_by_state", "Carol cites her old join after she left.")
    dag.found()
    dag.member("left", CAROL, CAROL, "leave", prev=["carol"], state=BASE)
    dag.add("speech", CAROL, prev=["left"], state=BASE)
    dag.add("news", BOB, prev=["left"], state=BASE)
    dag.add("late", CAROL, prev=["left"], state=BASE)
    state = [*BASE[:-1], "left"]
    dag.order(
        "at the head",
        [BASE, ["left"], ["speech"]],
        timeline=[*BASE, "left"],
        state=state,
        extremities=["left"],
        verdicts={"speech": "rejected v11:5"},
    )
    dag.order(
        "on a branch",
        [BASE, ["left"], ["news"], ["late"]],
        timeline=[*BASE, "left", "news"],
        state=state,
        extremities=["news"],
        verdicts={"late": "rejected v11:5"},
    )
    return dag


def state_reset(version: str) -> Dag:
    """MSC4297, problem A: a server tells an old join rule; Alice, who set it, has left."""
    dag = Dag(
        f"state_reset_v{version}",
        "MSC4297, problem A: version 2 loses the join rules, 2.1 keeps the newer.",
        version=version,
        observer=BOB,
    )
    dag.found()
    dag.add(
        "newer",
        ALICE,
        "m.room.join_rules",
        {"join_rule": "invite"},
        key="",
        prev=["carol"],
        state=BASE,
    )
    now = [*BASE[:3], "newer", "bob", "carol"]
    dag.member("left", ALICE, ALICE, "leave", prev=["newer"], state=now)
    now = ["create", "left", "levels", "newer", "bob", "carol"]
    dag.add("hidden", BOB, prev=["left"], state=now)
    dag.add("wrong", BOB, prev=["hidden"], state=now)
    dag.add("next", BOB, prev=["left", "wrong"], state=now)
    told = ["create", "left", "levels", "rules", "bob", "carol"]
    step = {"deliver": ["wrong"], "states": {"wrong": told}}
    lost = [name for name in now if version == "12" or name != "newer"]
    untold = [] if version == "12" else ["m.room.join_rules"]
    dag.order(
        "the wrong state joins in",
        [BASE, ["newer"], ["left"], step, ["next"]],
        timeline=[*BASE, "newer", "left", "wrong", "next"],
        state=lost,
        extremities=["next"],
        gaps={"wrong": ["hidden"]},
        untold=untold,
    )
    return dag


def redaction_first() -> Dag:
    """What removes a message arrives before the message."""
    dag = Dag("redaction_first", "Redactions that come before what they redact.")
    dag.found()
    dag.add("secret", CAROL, prev=["carol"], state=BASE)
    dag.add("removal", BOB, "m.room.redaction", {}, prev=["carol"], state=BASE, redacts="secret")
    dag.add("whim", CAROL, "m.room.redaction", {}, prev=["carol"], state=BASE, redacts="rules")
    dag.order(
        "the redaction first",
        [BASE, ["removal"], ["secret"]],
        timeline=[*BASE, "removal", "secret"],
        state=BASE,
        redacted=["secret"],
        extremities=["removal", "secret"],
    )
    dag.order(
        "the message first",
        [BASE, ["secret"], ["removal"]],
        timeline=[*BASE, "secret", "removal"],
        state=BASE,
        redacted=["secret"],
        extremities=["secret", "removal"],
    )
    dag.order(
        "at once",
        [BASE, ["removal", "secret"]],
        timeline=[*BASE, "removal", "secret"],
        state=BASE,
        redacted=["secret"],
        extremities=["removal", "secret"],
    )
    dag.order(
        "without the power for it",
        [BASE, ["whim"]],
        timeline=[*BASE, "whim"],
        state=BASE,
        redacted=[],
        extremities=["whim"],
    )
    return dag


def main() -> None:
    """Write all files."""
    for dag in (
        fork_and_merge(),
        late_branch(),
        soft_failed(),
        rejected_by_auth_events(),
        rejected_by_state(),
        state_reset("11"),
        state_reset("12"),
        redaction_first(),
    ):
        dag.write()


if __name__ == "__main__":
    main()
