"""The tables. Migrations in storage/migrations are tested against them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from storage.clock import SHANGHAI

_ACTIVE = text("state IN ('open', 'claimed')")
_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=_NAMES)


class Moment(TypeDecorator[datetime]):
    """A point in time: kept in UTC, given back in Shanghai's time. SQLite alone would lose the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Return the time in UTC. Raises ValueError for one without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Return the time in Shanghai."""
        if value is None:
            return None
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(SHANGHAI)


class InboxRow(Base):
    """A message as it came in: stored before it is acknowledged, handled once."""

    __tablename__ = "inbox"
    __table_args__ = (UniqueConstraint("channel", "external_id"), Index(None, "state", "received_at"))

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    channel: Mapped[str] = mapped_column(String(16))
    external_id: Mapped[str] = mapped_column(String(128))
    conversation: Mapped[str] = mapped_column(String(128))
    text: Mapped[bytes] = mapped_column(LargeBinary)  # masked, then encrypted
    act: Mapped[str | None] = mapped_column(String(256))  # a pressed button's act, as JSON
    phone: Mapped[bytes | None] = mapped_column(LargeBinary)  # masked in the text; encrypted
    media: Mapped[str | None] = mapped_column(String(300))  # where a voice note can be had, as JSON
    sequence: Mapped[int] = mapped_column(BigInteger, server_default="0")  # the channel's own order within a chat
    state: Mapped[str] = mapped_column(String(8))  # received, done
    received_at: Mapped[datetime] = mapped_column(Moment())


class LeaseRow(Base):
    """Who works on something alone, and until when: a chat's messages, the polling of a channel."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(160), primary_key=True)
    holder: Mapped[str] = mapped_column(String(40))
    until: Mapped[datetime] = mapped_column(Moment())


class KeptSecretRow(Base):
    """A secret of ours that outlives a change of the key, as the one that signs the page's cookies."""

    __tablename__ = "kept_secrets"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary)  # encrypted


class DeliveryRow(Base):
    """A reply that a channel has to send: written with the turn, sent after it, tried again."""

    __tablename__ = "deliveries"
    __table_args__ = (Index(None, "state", "conversation", "number"),)

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    inbox_id: Mapped[str] = mapped_column(ForeignKey("inbox.id"), unique=True)
    conversation: Mapped[str] = mapped_column(String(128))
    state: Mapped[str] = mapped_column(String(8))  # pending, sent, failed
    parts_sent: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(Moment())


class ChatSettingsRow(Base):
    """How somebody wants to be answered."""

    __tablename__ = "chat_settings"

    conversation: Mapped[str] = mapped_column(String(128), primary_key=True)
    voice: Mapped[bool] = mapped_column(Boolean)  # every answer is read aloud too
    slow: Mapped[bool] = mapped_column(Boolean)
    short: Mapped[bool] = mapped_column(Boolean)


class TurnRow(Base):
    """What was said and how it was answered."""

    __tablename__ = "turns"
    __table_args__ = (Index(None, "conversation", "number"), Index(None, "outcome", "created_at"))

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    inbox_id: Mapped[str] = mapped_column(ForeignKey("inbox.id"), unique=True)
    conversation: Mapped[str] = mapped_column(String(128))
    text: Mapped[bytes] = mapped_column(LargeBinary)
    reply: Mapped[bytes] = mapped_column(LargeBinary)
    outcome: Mapped[str] = mapped_column(String(40))
    intent: Mapped[str | None] = mapped_column(String(40))
    service_id: Mapped[str | None] = mapped_column(String(40))
    took_ms: Mapped[float] = mapped_column(Float)
    created_at: Mapped[datetime] = mapped_column(Moment())
    district: Mapped[str | None] = mapped_column(String(12))  # where it was said to be about; for statistics
    age_band: Mapped[str | None] = mapped_column(String(8))  # 80-89; same


class ButtonRow(Base):
    """What an opaque button token stands for."""

    __tablename__ = "buttons"

    token: Mapped[str] = mapped_column(String(24), primary_key=True)
    conversation: Mapped[str] = mapped_column(String(128), index=True)
    title: Mapped[str] = mapped_column(String(64))
    act: Mapped[str] = mapped_column(String(256))
    created_at: Mapped[datetime] = mapped_column(Moment())


class UnansweredRow(Base):
    """A question that the list could not answer, for staff to learn from."""

    __tablename__ = "unanswered"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    conversation: Mapped[str | None] = mapped_column(String(128), index=True)  # so that it is erased with it
    text: Mapped[bytes] = mapped_column(LargeBinary)
    reason: Mapped[str] = mapped_column(String(40), index=True)
    nearest: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(Moment())


class TicketRow(Base):
    """Something a member of staff has to see: an emergency, a person who asks for one."""

    __tablename__ = "tickets"
    __table_args__ = (
        # One at a time a conversation: who asks again keeps the place in the queue.
        Index("uq_tickets_active", "conversation", unique=True, sqlite_where=_ACTIVE, postgresql_where=_ACTIVE),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    inbox_id: Mapped[str] = mapped_column(ForeignKey("inbox.id"), unique=True)
    conversation: Mapped[str] = mapped_column(String(128))
    kind: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(8))  # open, claimed, closed
    urgency: Mapped[int] = mapped_column(Integer, server_default="1")  # 3 danger, 2 harm by others, 1 the rest
    created_at: Mapped[datetime] = mapped_column(Moment(), index=True)
    due_at: Mapped[datetime | None] = mapped_column(Moment())  # by when somebody should have taken it
    phone: Mapped[bytes | None] = mapped_column(LargeBinary)  # where to ring, encrypted
    claimed_by: Mapped[str | None] = mapped_column(String(32))  # a member of staff
    claimed_at: Mapped[datetime | None] = mapped_column(Moment())
    first_claimed_at: Mapped[datetime | None] = mapped_column(Moment())  # what was waited, for statistics
    waits_since: Mapped[datetime | None] = mapped_column(Moment())  # the person, for the clerk's next word
    spoken_at: Mapped[datetime | None] = mapped_column(Moment())  # the last word of either
    closed_at: Mapped[datetime | None] = mapped_column(Moment())
    disposition: Mapped[str | None] = mapped_column(String(20))
