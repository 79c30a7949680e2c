"""Keys of devices and users.

Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from homeserver.infrastructure.sql.types import blob, octets

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand the schema."""
    _make_keys_of_devices()
    _make_keys_of_users()
    op.create_table(
        "device_change",
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("told_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("pos", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_nid", "told_nid", "slot"),
    )
    op.create_index(
        "device_change_told", "device_change", ["told_nid", "slot", "pos"], unique=False
    )


def _make_keys_of_devices() -> None:
    op.create_table(
        "device_key",
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("device_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", blob(), nullable=True),
        sa.Column("claims", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_nid", "device_nid"),
    )
    op.create_table(
        "one_time_key",
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("device_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("algorithm", octets(255), nullable=False),
        sa.Column("key_id", octets(255), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("claimed", sa.SmallInteger(), nullable=False),
        sa.Column("body", blob(), nullable=False),
        sa.PrimaryKeyConstraint("user_nid", "device_nid", "algorithm", "key_id"),
    )
    op.create_table(
        "fallback_key",
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("device_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("algorithm", octets(255), nullable=False),
        sa.Column("key_id", octets(255), nullable=False),
        sa.Column("used", sa.SmallInteger(), nullable=False),
        sa.Column("body", blob(), nullable=False),
        sa.PrimaryKeyConstraint("user_nid", "device_nid", "algorithm"),
    )


def _make_keys_of_users() -> None:
    op.create_table(
        "cross_signing_key",
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key_usage", octets(16), nullable=False),
        sa.Column("public_key", octets(64), nullable=False),
        sa.Column("body", blob(), nullable=False),
        sa.PrimaryKeyConstraint("user_nid", "key_usage"),
    )
    op.create_table(
        "key_signature",
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key_id", octets(255), nullable=False),
        sa.Column("signer_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("signer_key", octets(255), nullable=False),
        sa.Column("signature", octets(255), nullable=False),
        sa.PrimaryKeyConstraint("user_nid", "key_id", "signer_nid", "signer_key"),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_index("device_change_told", table_name="device_change")
    for table in (
        "device_change",
        "key_signature",
        "cross_signing_key",
        "fallback_key",
        "one_time_key",
        "device_key",
    ):
        op.drop_table(table)
