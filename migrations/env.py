"""Runs the migrations on the connection that app.storage.upkeep.migrations hands over."""

from alembic import context
from sqlalchemy import Connection

from app.storage.tables import metadata


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
