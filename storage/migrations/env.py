"""Alembic's entry point."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine

from storage import booking_tables, desk_tables  # noqa: F401 (they add their tables)
from storage.tables import Base

config = context.config
engine = create_engine(config.get_main_option("sqlalchemy.url") or "")
with engine.begin() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
