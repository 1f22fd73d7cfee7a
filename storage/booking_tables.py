"""The tables of booking. The rules that no race may break are constraints here."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables import Base, Moment

_ACTIVE = text("state IN ('booked', 'waiting', 'offered')")
_PENDING = text("state = 'pending'")


class CourseRow(Base):
    """A training course; its dates are events."""

    __tablename__ = "courses"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    title: Mapped[str] = mapped_column(String(60))
    about: Mapped[str] = mapped_column(String(400))
    sample: Mapped[bool] = mapped_column(Boolean)


class PointRow(Base):
    """An advisor point; its hours, cut into slots, are what can be booked there."""

    __tablename__ = "points"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    district: Mapped[str] = mapped_column(String(12), index=True)
    street: Mapped[str | None] = mapped_column(String(20))
    address: Mapped[str] = mapped_column(String(120))
    phone: Mapped[str | None] = mapped_column(String(20))
    hours: Mapped[str] = mapped_column(String(200))
    slot_minutes: Mapped[int] = mapped_column(Integer)
    advisors: Mapped[int] = mapped_column(Integer)  # talks at one time
    latitude: Mapped[float | None] = mapped_column(Float)
    longitude: Mapped[float | None] = mapped_column(Float)
    sample: Mapped[bool] = mapped_column(Boolean)


class ClosedDayRow(Base):
    """A day on which a point is closed against its hours."""

    __tablename__ = "closed_days"

    point_id: Mapped[str] = mapped_column(ForeignKey("points.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)


class EventRow(Base):
    """A time that can be booked: a date of a course, or a slot of a point (made when first booked)."""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("point_id", "starts_at"),
        CheckConstraint("taken >= 0 AND taken <= seats", name="seats"),
        Index(None, "kind", "starts_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))  # training, consultation
    course_id: Mapped[str | None] = mapped_column(ForeignKey("courses.id"))
    point_id: Mapped[str | None] = mapped_column(ForeignKey("points.id"))
    title: Mapped[str] = mapped_column(String(60))
    district: Mapped[str] = mapped_column(String(12))
    place: Mapped[str] = mapped_column(String(160))
    bring: Mapped[str | None] = mapped_column(String(160))
    latitude: Mapped[float | None] = mapped_column(Float)
    longitude: Mapped[float | None] = mapped_column(Float)
    starts_at: Mapped[datetime] = mapped_column(Moment())
    ends_at: Mapped[datetime] = mapped_column(Moment())
    seats: Mapped[int] = mapped_column(Integer)
    taken: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(10))  # open, cancelled
    sample: Mapped[bool] = mapped_column(Boolean)


class BookingRow(Base):
    """A place booked, waited for, or held for somebody who waited."""

    __tablename__ = "bookings"
    __table_args__ = (
        # Waiting counts too: a seat that comes free could not be offered to who sits elsewhere then.
        Index(
            "uq_bookings_one_time", "person", "starts_at", unique=True, sqlite_where=_ACTIVE, postgresql_where=_ACTIVE
        ),
        Index("uq_bookings_code", "code", unique=True, sqlite_where=_ACTIVE, postgresql_where=_ACTIVE),
        Index(None, "event_id", "state", "queued"),
        Index(None, "conversation", "state"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    event_id: Mapped[str] = mapped_column(ForeignKey("events.id"))
    code: Mapped[str] = mapped_column(String(6))
    state: Mapped[str] = mapped_column(String(10))
    person: Mapped[str] = mapped_column(String(64))  # keyed digest of phone and for whom
    phone_digest: Mapped[str] = mapped_column(String(64), index=True)
    name: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone: Mapped[bytes] = mapped_column(LargeBinary)
    for_whom: Mapped[str] = mapped_column(String(12))
    conversation: Mapped[str] = mapped_column(String(128))
    key: Mapped[str] = mapped_column(String(80), unique=True)  # the same request twice books once
    starts_at: Mapped[datetime] = mapped_column(Moment())  # the event's, for the constraint above
    queued: Mapped[int] = mapped_column(Integer)  # order on the waiting list
    offered_until: Mapped[datetime | None] = mapped_column(Moment())
    agreed: Mapped[bool] = mapped_column(Boolean, server_default=false())  # who it is for agrees, as told
    rating: Mapped[int | None] = mapped_column(Integer)  # 1 bad, 2 fair, 3 good
    created_at: Mapped[datetime] = mapped_column(Moment())


class OutboxRow(Base):
    """Something to be sent: written in the transaction that causes it, sent later, once."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("uq_outbox_pending", "booking_id", "kind", unique=True, sqlite_where=_PENDING, postgresql_where=_PENDING),
        Index(None, "state", "due_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    booking_id: Mapped[str] = mapped_column(ForeignKey("bookings.id"))
    conversation: Mapped[str] = mapped_column(String(128))
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(8))  # pending, sent, dropped, staff (on the call list), seen
    due_at: Mapped[datetime] = mapped_column(Moment())
    tries: Mapped[int] = mapped_column(Integer)
    reply: Mapped[bytes | None] = mapped_column(LargeBinary)  # what was sent, encrypted JSON; the page shows it
    sent_at: Mapped[datetime | None] = mapped_column(Moment())


class CallRow(Base):
    """Somebody staff have to ring: no channel reaches them, or they asked for it."""

    __tablename__ = "calls"
    __table_args__ = (Index(None, "state", "created_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)  # the outbox row, or the request
    conversation: Mapped[str] = mapped_column(String(128))
    booking_id: Mapped[str | None] = mapped_column(ForeignKey("bookings.id"))
    reason: Mapped[str] = mapped_column(String(20))  # an outbox kind, or "training", "consultation"
    phone: Mapped[bytes] = mapped_column(LargeBinary)
    about: Mapped[str] = mapped_column(String(200))  # what to say; nobody's name
    state: Mapped[str] = mapped_column(String(8))  # open, done
    created_at: Mapped[datetime] = mapped_column(Moment())
    done_at: Mapped[datetime | None] = mapped_column(Moment())
    done_by: Mapped[str | None] = mapped_column(String(128))


class AuditRow(Base):
    """Who did what, or looked at whose data, and when. Never changed."""

    __tablename__ = "audit"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(Moment())
    actor: Mapped[str] = mapped_column(String(128))
    act: Mapped[str] = mapped_column(String(20))
    booking_id: Mapped[str | None] = mapped_column(String(32), index=True)
    event_id: Mapped[str | None] = mapped_column(String(32), index=True)
    subject: Mapped[str | None] = mapped_column(String(160))  # what else it was about: a ticket, a member of staff


class AttemptRow(Base):
    """Wrong codes of one conversation, and until when it is locked."""

    __tablename__ = "attempts"

    conversation: Mapped[str] = mapped_column(String(128), primary_key=True)
    wrong: Mapped[int] = mapped_column(Integer)
    locked_until: Mapped[datetime | None] = mapped_column(Moment())


class NoRemindersRow(Base):
    """A conversation that wants no reminders."""

    __tablename__ = "no_reminders"

    conversation: Mapped[str] = mapped_column(String(128), primary_key=True)
