"""What a client makes of `device_lists`, and the comparison with one that asks for everything."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.keyring import ALGORITHM, Identity, Keyring, claim, query

if TYPE_CHECKING:
    from collections.abc import Collection

    from homeserver.domain.rooms.room import Room
    from tests.support.syncing import Phone

MEGOLM = {"algorithm": "m.megolm.v1.aes-sha2"}
ENCRYPTION = ("m.room.encryption", "")


@dataclass
class KeyCopy:
    """The keys that a device knows, of whom it shares encrypted rooms with and of its own user.

    It asks for those that it was told of, and for no others.
    """

    user_id: str
    known: dict[str, Any] = field(default_factory=dict)
    outdated: set[str] = field(default_factory=set)

    def apply(self, lists: dict[str, Any]) -> None:
        """Take in `device_lists`, or an answer of /keys/changes."""
        assert not set(lists.get("left", ())) & {self.user_id, *lists.get("changed", ())}
        for user in lists.get("left", ()):
            self.known.pop(user, None)
            self.outdated.discard(user)
        self.outdated |= set(lists.get("changed", ()))

    async def refresh(self, phone: Phone) -> None:
        """Ask for what is outdated."""
        for user in sorted(self.outdated):
            self.known[user] = await keys_of(phone, user)
        self.outdated.clear()


async def keys_of(phone: Phone, user: str) -> Any:
    """All that a device is shown of a user's keys."""
    answer = await query(phone, user)
    return {part: users.get(user) for part, users in answer.items() if part != "failures"}


def sharing(rooms: Collection[Room], user_id: str) -> set[str]:
    """Who shares an encrypted room with a user, and the user."""
    mine = [room for room in rooms if ENCRYPTION in room.state and user_id in room.members]
    return {user_id, *(user for room in mine for user in room.members)}


@dataclass
class KeyWalk:
    """The part of a random walk that has to do with keys."""

    phones: list[Phone]
    copies: list[KeyCopy] = field(default_factory=list)
    marks: list[list[tuple[str, KeyCopy]]] = field(default_factory=list)
    rings: dict[int, Keyring] = field(default_factory=dict)
    counts: dict[int, Any] = field(default_factory=dict)
    identities: dict[str, Identity] = field(default_factory=dict)
    claimed: list[str] = field(default_factory=list)

    async def begin(self, n: int) -> None:
        """A device that knows its user's keys, before its first sync."""
        copy = KeyCopy(self.phones[n].user_id, outdated={self.phones[n].user_id})
        await copy.refresh(self.phones[n])
        self.copies.append(copy)
        self.marks.append([])

    def take(self, n: int, answer: dict[str, Any]) -> None:
        """Take in an answer of /sync."""
        lists = answer.get("device_lists")
        assert lists is None or (lists and all(lists.values())), "an empty section"
        self.copies[n].apply(lists or {})
        self.counts[n] = counts_in(answer)

    async def caught_up(self, n: int) -> None:
        """What the device does after it took answers in."""
        await self.copies[n].refresh(self.phones[n])
        self.marks[n].append((str(self.phones[n].since), deepcopy(self.copies[n])))

    async def do(self, what: str, who: int, whom: int, room: str) -> None:
        """Encrypt a room; publish keys; sign somebody; hand out keys."""
        phone = self.phones[who]
        ring = self.rings.setdefault(who, Keyring(phone))
        match what:
            case "encrypt":
                await phone.state(room, "m.room.encryption", MEGOLM)
            case "keys":
                await ring.publish()
            case "identity":
                self.identities[phone.user_id] = Identity(phone.user_id)
                await self.identities[phone.user_id].upload(phone)
            case "sign":
                await self._sign(phone, self.phones[whom].user_id)
            case "one_time":
                await ring.upload(2, fallback=True)
            case _:
                name = await claim(phone, self.phones[whom], ALGORITHM)
                wanted = self.rings.get(whom)
                if name is not None and wanted is not None and name not in wanted.fallbacks:
                    self.claimed.append(name)

    async def _sign(self, phone: Phone, user: str) -> None:
        mine, theirs = self.identities.get(phone.user_id), self.identities.get(user)
        if mine is not None and theirs is not None and mine is not theirs:
            master = theirs.key_of("master")
            body = {user: {theirs.master.public: mine.sign_user(master)}}
            answer = await phone.call("POST", "/keys/signatures/upload", body)
            assert answer["failures"] == {}

    async def check(self, n: int, rooms: Collection[Room], fresh: dict[str, Any]) -> None:
        """The law: who followed knows what one knows who asks now, by whatever way it followed."""
        phone = self.phones[n]
        users = sharing(rooms, phone.user_id)
        truth = {user: await keys_of(phone, user) for user in users}
        assert self.copies[n].known == truth, (phone.user_id, self.copies[n].known.keys(), users)
        marks = self.marks[n]
        for since, copy in (marks[0], marks[len(marks) // 2]):
            listed = await phone.call(
                "GET", "/keys/changes", query={"from": since, "to": phone.since}
            )
            copy.apply(listed)
            await copy.refresh(phone)
            assert copy.known == truth, (phone.user_id, copy.known.keys(), users)
        assert self.counts[n] == counts_in(fresh)
        held = await phone.call("POST", "/keys/upload", {})
        assert self.counts[n][0] == {ALGORITHM: 0, **held["one_time_key_counts"]}
        assert len(self.claimed) == len(set(self.claimed))


def counts_in(answer: dict[str, Any]) -> Any:
    """What an answer says of the keys that are left."""
    return answer["device_one_time_keys_count"], answer["device_unused_fallback_key_types"]
