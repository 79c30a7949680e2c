"""Alembic's entry: run the revisions on the database it is given."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, create_engine

from homeserver.infrastructure.sql.tables import metadata
from migrations.render import include_object, render_item


def run(connection: Connection) -> None:
    """Run what is due, each revision in a transaction where the database can do that."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        render_item=render_item,
        include_object=include_object,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    engine = create_engine(context.get_x_argument(as_dictionary=True)["url"])
    with engine.begin() as opened:
        run(opened)
