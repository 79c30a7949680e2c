"""The tables of the keys of devices and users."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, SmallInteger, Table

from homeserver.infrastructure.sql.table_parts import id_column as _id
from homeserver.infrastructure.sql.table_parts import metadata
from homeserver.infrastructure.sql.types import POS, SLOT, blob, octets

# `body` is NULL for a device that has one-time keys only; `claims` counts the batches that
# handed out some of them: who hands one out expects what it has read (claim_writes)
device_key = Table(
    "device_key",
    metadata,
    _id("user_nid", primary_key=True),
    _id("device_nid", primary_key=True),
    Column("body", blob()),
    Column("claims", BigInteger, nullable=False),
)

# `number` counts the uploads of a device; a claimed key stays for a while, so that its upload,
# when it is repeated, does not bring it back
one_time_key = Table(
    "one_time_key",
    metadata,
    _id("user_nid", primary_key=True),
    _id("device_nid", primary_key=True),
    Column("algorithm", octets(255), primary_key=True),
    Column("key_id", octets(255), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("claimed", SmallInteger, nullable=False),
    Column("body", blob(), nullable=False),
)

fallback_key = Table(
    "fallback_key",
    metadata,
    _id("user_nid", primary_key=True),
    _id("device_nid", primary_key=True),
    Column("algorithm", octets(255), primary_key=True),
    Column("key_id", octets(255), nullable=False),
    Column("used", SmallInteger, nullable=False),
    Column("body", blob(), nullable=False),
)

cross_signing_key = Table(
    "cross_signing_key",
    metadata,
    _id("user_nid", primary_key=True),
    Column("key_usage", octets(16), primary_key=True),
    Column("public_key", octets(64), nullable=False),
    Column("body", blob(), nullable=False),
)

# signatures beside those that a key was uploaded with; `key_id` is a device id or a public key
# of the user's, `signer_key` is `algorithm:key`
key_signature = Table(
    "key_signature",
    metadata,
    _id("user_nid", primary_key=True),
    Column("key_id", octets(255), primary_key=True),
    _id("signer_nid", primary_key=True),
    Column("signer_key", octets(255), primary_key=True),
    Column("signature", octets(255), nullable=False),
)

# the last change of a user's keys by each writer, as rooms' stirs are: `told_nid` 0 for all who
# share an encrypted room with the user, else the one user who sees it
device_change = Table(
    "device_change",
    metadata,
    _id("user_nid", primary_key=True),
    _id("told_nid", primary_key=True),
    Column("slot", SLOT, primary_key=True, autoincrement=False),
    Column("pos", POS, nullable=False),
    Index("device_change_told", "told_nid", "slot", "pos"),
)
