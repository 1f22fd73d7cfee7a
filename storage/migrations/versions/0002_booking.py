"""booking"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.add_column(sa.Column("phone", sa.LargeBinary(), nullable=True))

    op.create_table(
        "attempts",
        sa.Column("conversation", sa.String(length=128), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("conversation", name=op.f("pk_attempts")),
    )
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("booking_id", sa.String(length=32), nullable=True),
        sa.Column("event_id", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_booking_id"), ["booking_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_event_id"), ["event_id"], unique=False)

    op.create_table(
        "courses",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("about", sa.String(length=400), nullable=False),
        sa.Column("sample", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_courses")),
    )
    op.create_table(
        "no_reminders",
        sa.Column("conversation", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("conversation", name=op.f("pk_no_reminders")),
    )
    op.create_table(
        "points",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("district", sa.String(length=12), nullable=False),
        sa.Column("street", sa.String(length=20), nullable=True),
        sa.Column("address", sa.String(length=120), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("hours", sa.String(length=200), nullable=False),
        sa.Column("slot_minutes", sa.Integer(), nullable=False),
        sa.Column("advisors", sa.Integer(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("sample", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_points")),
    )
    with op.batch_alter_table("points", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_points_district"), ["district"], unique=False)

    op.create_table(
        "closed_days",
        sa.Column("point_id", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["point_id"], ["points.id"], name=op.f("fk_closed_days_point_id")),
        sa.PrimaryKeyConstraint("point_id", "day", name=op.f("pk_closed_days")),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("course_id", sa.String(length=32), nullable=True),
        sa.Column("point_id", sa.String(length=32), nullable=True),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("district", sa.String(length=12), nullable=False),
        sa.Column("place", sa.String(length=160), nullable=False),
        sa.Column("bring", sa.String(length=160), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("sample", sa.Boolean(), nullable=False),
        sa.CheckConstraint("taken >= 0 AND taken <= seats", name=op.f("ck_events_seats")),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name=op.f("fk_events_course_id")),
        sa.ForeignKeyConstraint(["point_id"], ["points.id"], name=op.f("fk_events_point_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("point_id", "starts_at", name=op.f("uq_events_point_id_starts_at")),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_events_kind_starts_at"), ["kind", "starts_at"], unique=False)

    op.create_table(
        "bookings",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("event_id", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=6), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("phone_digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("phone", sa.LargeBinary(), nullable=False),
        sa.Column("for_whom", sa.String(length=12), nullable=False),
        sa.Column("conversation", sa.String(length=128), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queued", sa.Integer(), nullable=False),
        sa.Column("offered_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_bookings_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bookings")),
        sa.UniqueConstraint("key", name=op.f("uq_bookings_key")),
    )
    with op.batch_alter_table("bookings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bookings_conversation_state"), ["conversation", "state"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_bookings_event_id_state_queued"), ["event_id", "state", "queued"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_bookings_phone_digest"), ["phone_digest"], unique=False)
        batch_op.create_index(
            "uq_bookings_code",
            ["code"],
            unique=True,
            sqlite_where=sa.text("state IN ('booked', 'waiting', 'offered')"),
            postgresql_where=sa.text("state IN ('booked', 'waiting', 'offered')"),
        )
        batch_op.create_index(
            "uq_bookings_one_place",
            ["person", "event_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('booked', 'waiting', 'offered')"),
            postgresql_where=sa.text("state IN ('booked', 'waiting', 'offered')"),
        )
        batch_op.create_index(
            "uq_bookings_one_time",
            ["person", "starts_at"],
            unique=True,
            sqlite_where=sa.text("state IN ('booked', 'offered')"),
            postgresql_where=sa.text("state IN ('booked', 'offered')"),
        )

    op.create_table(
        "outbox",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("booking_id", sa.String(length=32), nullable=False),
        sa.Column("conversation", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("fk_outbox_booking_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outbox_state_due_at"), ["state", "due_at"], unique=False)
        batch_op.create_index(
            "uq_outbox_pending",
            ["booking_id", "kind"],
            unique=True,
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )

    # ### end Alembic commands ###


def downgrade() -> None:
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.drop_column("phone")

    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_outbox_pending",
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )
        batch_op.drop_index(batch_op.f("ix_outbox_state_due_at"))

    op.drop_table("outbox")
    with op.batch_alter_table("bookings", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_bookings_one_time",
            sqlite_where=sa.text("state IN ('booked', 'offered')"),
            postgresql_where=sa.text("state IN ('booked', 'offered')"),
        )
        batch_op.drop_index(
            "uq_bookings_one_place",
            sqlite_where=sa.text("state IN ('booked', 'waiting', 'offered')"),
            postgresql_where=sa.text("state IN ('booked', 'waiting', 'offered')"),
        )
        batch_op.drop_index(
            "uq_bookings_code",
            sqlite_where=sa.text("state IN ('booked', 'waiting', 'offered')"),
            postgresql_where=sa.text("state IN ('booked', 'waiting', 'offered')"),
        )
        batch_op.drop_index(batch_op.f("ix_bookings_phone_digest"))
        batch_op.drop_index(batch_op.f("ix_bookings_event_id_state_queued"))
        batch_op.drop_index(batch_op.f("ix_bookings_conversation_state"))

    op.drop_table("bookings")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_events_kind_starts_at"))

    op.drop_table("events")
    op.drop_table("closed_days")
    with op.batch_alter_table("points", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_points_district"))

    op.drop_table("points")
    op.drop_table("no_reminders")
    op.drop_table("courses")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_event_id"))
        batch_op.drop_index(batch_op.f("ix_audit_booking_id"))

    op.drop_table("audit")
    op.drop_table("attempts")
    # ### end Alembic commands ###
