"""A third-party invitation becomes the invitation of a user (spec: "Third-party invites")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from homeserver.application.requester import Requester
from homeserver.application.rooms.compose import NewEvent, OwnSignatures, compose
from homeserver.domain.events.signing import is_signed_with
from homeserver.domain.rooms.membership import INVITE, JOIN
from homeserver.domain.rooms.room import MEMBER
from homeserver.domain.rooms.third_party_invite import (
    THIRD_PARTY_INVITE,
    offered_keys,
    redeemed,
)
from homeserver.domain.shared.errors import ForbiddenError, ServerNotTrustedError
from homeserver.domain.shared.identifiers import domain_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.profiles import ProfileReader
    from homeserver.application.ports.users import Users
    from homeserver.application.ports.writer import Writer
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.events.event import Event
    from homeserver.domain.events.signing import Verifier
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.shared.json import JsonObject


class Proof(NamedTuple):
    """What an identity server signed: that `mxid` is behind the address of invitation `token`."""

    sender: str
    mxid: str
    token: str
    signed: JsonObject


class _Checked(NamedTuple):
    """`Signatures` of an event of this server whose proof was checked with a key."""

    own: OwnSignatures
    public_key: str

    def event_signed_by(self, event: Event, server_name: str) -> bool:
        """See `OwnSignatures`."""
        return self.own.event_signed_by(event, server_name)

    def signed_with(self, _signed: JsonObject, public_key: str) -> bool:
        """Whether it was this key."""
        return public_key == self.public_key


@dataclass(frozen=True, slots=True)
class RedeemInvitation:
    """Invites the requester in the name of who made the third-party invitation.

    `verifier` reads a public key (base64), ValueError where it is none. Identity servers are not
    asked, so a key counts only where the invitation lets it last for ever.
    """

    access: RoomAccess
    users: Users
    profiles: ProfileReader
    writer: Writer
    verifier: Callable[[str], Verifier]

    async def __call__(self, requester: Requester, room_id: str, proof: Proof) -> None:
        """Invite; nothing happens to who is invited or in the room.

        Raises NotFoundError for an unknown room, ForbiddenError where the proof is for somebody
        else, fits no invitation of the room, or the invitation is another server's;
        ServerNotTrustedError where an identity server would have to vouch for its key.
        """
        room = await self.access.for_entering(room_id)
        if room.membership_of(requester.user_id) in {INVITE, JOIN}:
            return
        offer = room.state.get((THIRD_PARTY_INVITE, proof.token))
        if proof.mxid != requester.user_id or offer is None or offer.sender != proof.sender:
            raise ForbiddenError("There is no such invitation for you in this room")
        public_key = self._key_of(offer, proof)
        inviter = await self._inviter(requester, offer)
        profile = await self.profiles(requester.user_nid)
        content = {
            **profile.content(),
            "membership": INVITE,
            "third_party_invite": redeemed(offer.content, proof.signed),
        }
        new = NewEvent(MEMBER, content, requester.user_id, target_nid=requester.user_nid)
        await self._invite(room, inviter, new, public_key)

    async def _invite(self, room: Room, inviter: Requester, new: NewEvent, public_key: str) -> None:
        checked = _Checked(OwnSignatures(domain_of(inviter.user_id)), public_key)

        def change(draft: Draft) -> None:
            compose(draft, room, inviter, new, signatures=checked)

        await self.writer.submit(change)

    def _key_of(self, offer: Event, proof: Proof) -> str:
        """The key of the invitation that signed the proof."""
        signing = [key for key in offered_keys(offer.content) if self._signs(key.public_key, proof)]
        if not signing:
            raise ForbiddenError("The proof bears no signature that the invitation asks for")
        for key in signing:
            if key.lasts:
                return key.public_key
        raise ServerNotTrustedError("This server asks no identity servers whether a key is valid")

    def _signs(self, public_key: str, proof: Proof) -> bool:
        try:
            return is_signed_with(proof.signed, self.verifier(public_key))
        except ValueError:
            return False

    async def _inviter(self, requester: Requester, offer: Event) -> Requester:
        nid = await self.users.nid_of(offer.sender, create=False)
        if nid is None or domain_of(offer.sender) != domain_of(requester.user_id):
            raise ForbiddenError("Only the inviting user's server can exchange this invitation")
        return Requester(offer.sender, nid, None, 0)
