"""Third-party invitations, redeemed with what an identity server signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from homeserver.domain.events.signing import sign_json
from homeserver.infrastructure.crypto.ed25519 import Ed25519Signer
from tests.support.client import MatrixRefusal

if TYPE_CHECKING:
    from tests.support.syncing import Phone

KEY = Ed25519Signer.from_seed("0", b"k" * 32)
OTHER = Ed25519Signer.from_seed("0", b"o" * 32)
TOKEN = "a-nonce"
FORBIDDEN, UNTRUSTED = (403, "M_FORBIDDEN"), (403, "M_SERVER_NOT_TRUSTED")


def offer(key: Ed25519Signer = KEY, url: str | None = None) -> dict[str, Any]:
    """What a client learns from an identity server and puts into the room."""
    entry = {"public_key": key.public_key_base64}
    if url is not None:
        entry["key_validity_url"] = url
    return {"display_name": "j...@v...", **entry, "public_keys": [entry]}


def proof(sender: Phone, whom: Phone, key: Ed25519Signer = KEY, **other: Any) -> dict[str, Any]:
    """What the identity server signs once it knows who is behind the address."""
    signed = {"sender": sender.user_id, "mxid": whom.user_id, "token": TOKEN, **other}
    return sign_json(signed, "id.test", key)


async def invited(romeo: Phone, content: dict[str, Any] | None = None) -> str:
    """A closed room with a third-party invitation."""
    room = await romeo.create_room()
    await romeo.state(room, "m.room.third_party_invite", content or offer(), TOKEN)
    return room


async def join(phone: Phone, room: str, signed: Any, *, by_id: bool = True) -> None:
    """Join with a proof."""
    path = f"/rooms/{quote(room)}/join" if by_id else f"/join/{quote(room)}"
    await phone.call("POST", path, {"third_party_signed": signed})


async def refusal(asked: Any) -> tuple[int, str]:
    """How a request is refused."""
    with pytest.raises(MatrixRefusal) as refused:
        await asked
    return refused.value.status, refused.value.errcode


@pytest.mark.parametrize("by_id", [True, False])
async def test_who_proves_to_be_meant_is_invited_and_joins(
    romeo: Phone, juliet: Phone, *, by_id: bool
) -> None:
    room = await invited(romeo)
    assert await refusal(juliet.do("join", room)) == FORBIDDEN
    signed = proof(romeo, juliet)
    await join(juliet, room, signed, by_id=by_id)
    page = await romeo.room_call("GET", room, "messages", dir="b", limit=2)
    joined, invitation = page["chunk"]
    assert joined["content"]["membership"] == "join"
    assert invitation["sender"] == romeo.user_id
    assert invitation["content"]["membership"] == "invite"
    assert invitation["content"]["third_party_invite"] == {
        "display_name": "j...@v...",
        "signed": signed,
    }
    await juliet.send(room, "here I am")
    await join(juliet, room, {"sender": "@x:y", "mxid": "@x:y", "token": "x", "signatures": {}})


async def test_proofs_that_prove_nothing(romeo: Phone, juliet: Phone, nurse: Phone) -> None:
    room = await invited(romeo)
    bent = {**proof(romeo, juliet), "extra": 1}
    for wrong in (
        proof(romeo, nurse),
        proof(nurse, juliet),
        proof(romeo, juliet, token="another"),
        proof(romeo, juliet, OTHER),
        bent,
        {**proof(romeo, juliet), "signatures": {}},
        {**proof(romeo, juliet), "signatures": {"id.test": {"ed25519:0": "nonsense"}}},
        {**proof(romeo, juliet), "signatures": {"id.test": []}},
    ):
        assert await refusal(join(juliet, room, wrong)) == FORBIDDEN
    assert await refusal(join(nurse, room, proof(romeo, juliet))) == FORBIDDEN
    members = await romeo.room_call("GET", room, "members")
    assert len(members["chunk"]) == 1


async def test_an_invitation_that_was_withdrawn(romeo: Phone, juliet: Phone) -> None:
    room = await invited(romeo)
    await romeo.state(room, "m.room.third_party_invite", {}, TOKEN)
    assert await refusal(join(juliet, room, proof(romeo, juliet))) == FORBIDDEN


async def test_who_is_banned_stays_out(romeo: Phone, juliet: Phone) -> None:
    room = await invited(romeo)
    await romeo.do("ban", room, juliet)
    assert await refusal(join(juliet, room, proof(romeo, juliet))) == FORBIDDEN


async def test_a_key_that_an_identity_server_must_vouch_for(romeo: Phone, juliet: Phone) -> None:
    room = await invited(romeo, offer(url="https://id.test/isvalid"))
    assert await refusal(join(juliet, room, proof(romeo, juliet))) == UNTRUSTED
    lasting = {"public_key": OTHER.public_key_base64}
    mixed = offer(url="https://id.test/isvalid")
    mixed["public_keys"].append(lasting)
    room = await invited(romeo, mixed)
    await join(juliet, room, proof(romeo, juliet, OTHER))


@pytest.mark.parametrize(
    ("signed", "errcode"),
    [
        ("x", "M_BAD_JSON"),
        ({"mxid": "@a:b", "token": "x", "signatures": {}}, "M_MISSING_PARAM"),
        ({"sender": 5, "mxid": "@a:b", "token": "x", "signatures": {}}, "M_BAD_JSON"),
        ({"sender": "@a:b", "mxid": "@a:b", "token": "x", "signatures": []}, "M_BAD_JSON"),
        ({"sender": "@a:b", "mxid": "@a:b", "token": 1.5, "signatures": {}}, "M_BAD_JSON"),
    ],
)
async def test_proofs_of_the_wrong_shape(
    romeo: Phone, juliet: Phone, signed: Any, errcode: str
) -> None:
    room = await invited(romeo)
    assert await refusal(join(juliet, room, signed)) == (400, errcode)


@pytest.mark.parametrize("key", ["", "nonsense", "AAAA"])
async def test_keys_that_are_none(romeo: Phone, juliet: Phone, key: str) -> None:
    room = await invited(romeo, {"display_name": "j", "public_key": key, "public_keys": 5})
    assert await refusal(join(juliet, room, proof(romeo, juliet))) == FORBIDDEN
