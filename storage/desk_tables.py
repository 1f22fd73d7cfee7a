"""The tables of the hotline desk: who works there, what they write, note, propose and learn from."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables import Base, Moment


class StaffRow(Base):
    """A member of staff. Never deleted, only disabled: the audit names them."""

    __tablename__ = "staff"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)  # to log in with
    shown: Mapped[str] = mapped_column(String(20))  # what a person is told: 王顾问
    role: Mapped[str] = mapped_column(String(8))  # clerk, editor, admin
    password: Mapped[str] = mapped_column(String(200))  # argon2id, in its own notation
    totp: Mapped[bytes] = mapped_column(LargeBinary)  # the second factor's secret, encrypted
    totp_step: Mapped[int] = mapped_column(Integer)  # the last one taken: a code works once
    state: Mapped[str] = mapped_column(String(8))  # active, disabled
    wrong: Mapped[int] = mapped_column(Integer)
    locked_until: Mapped[datetime | None] = mapped_column(Moment())
    created_at: Mapped[datetime] = mapped_column(Moment())


class StaffSessionRow(Base):
    """Somebody logged in. The cookie's value is not kept, only its digest."""

    __tablename__ = "staff_sessions"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(Moment())
    seen_at: Mapped[datetime] = mapped_column(Moment())


class DeskMessageRow(Base):
    """What staff write to a person, or what the desk tells them: sent through the person's own channel."""

    __tablename__ = "desk_messages"
    __table_args__ = (Index(None, "conversation", "number"), Index(None, "state", "due_at"))

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)  # the same message twice is sent once
    ticket_id: Mapped[int | None] = mapped_column(Integer)
    conversation: Mapped[str] = mapped_column(String(128))
    staff_id: Mapped[str | None] = mapped_column(String(32))  # nobody: the desk itself
    reply: Mapped[bytes] = mapped_column(LargeBinary)  # encrypted JSON of a Reply
    state: Mapped[str] = mapped_column(String(8))  # pending, sent, failed
    tries: Mapped[int] = mapped_column(Integer)
    due_at: Mapped[datetime] = mapped_column(Moment())
    created_at: Mapped[datetime] = mapped_column(Moment())


class CallNoteRow(Base):
    """What a call or a chat was about and how it ended, as the clerk notes it."""

    __tablename__ = "call_notes"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    staff_id: Mapped[str] = mapped_column(String(32))
    conversation: Mapped[str | None] = mapped_column(String(128), index=True)
    disposition: Mapped[str] = mapped_column(String(20))
    topic: Mapped[str | None] = mapped_column(String(40))  # a service
    text: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Moment(), index=True)


class DraftRow(Base):
    """A change to one service that waits for a second pair of eyes."""

    __tablename__ = "list_drafts"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    service_id: Mapped[str] = mapped_column(String(40), index=True)
    service: Mapped[str] = mapped_column(Text)  # JSON of the whole Service; empty: it is to be removed
    base: Mapped[str] = mapped_column(String(64))  # the list's version it was made from
    why: Mapped[str] = mapped_column(String(200))
    made_by: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(10))  # open, published, withdrawn
    ended_by: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(Moment())
    ended_at: Mapped[datetime | None] = mapped_column(Moment())


class LessonRow(Base):
    """What an editor made of a question that was not answered: it waits to be exported."""

    __tablename__ = "lessons"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))  # alias, utterance, service
    text: Mapped[str] = mapped_column(String(200))
    target: Mapped[str] = mapped_column(String(40))  # a service, or an intent
    made_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(Moment())


class DailyCountRow(Base):
    """How often something happened on a day: nobody's, kept when the record is gone."""

    __tablename__ = "daily_counts"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    measure: Mapped[str] = mapped_column(String(40), primary_key=True)
    channel: Mapped[str] = mapped_column(String(16), primary_key=True)
    topic: Mapped[str] = mapped_column(String(40), primary_key=True)
    district: Mapped[str] = mapped_column(String(12), primary_key=True)
    age_band: Mapped[str] = mapped_column(String(8), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
