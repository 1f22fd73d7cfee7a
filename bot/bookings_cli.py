"""``advisor bookings``: what can be booked, and what is."""

from __future__ import annotations

from datetime import timedelta

import typer

from actions.booking.catalogue import Catalogue
from actions.booking_talk.words import when
from bot.settings import GatewaySettings
from storage.booking_tables import CourseRow, EventRow, PointRow
from storage.clock import now
from storage.crypto import Cipher
from storage.database import Database

bookings_app = typer.Typer(no_args_is_help=True, help="Carer training and talks with an advisor.")
_DEMO_DAYS = (5, 8, 12)


@bookings_app.command()
def sessions() -> None:
    """List the coming times with seats and seats taken."""
    catalogue = _catalogue()
    for event in [*catalogue.trainings(), *catalogue.consultations()][:50]:
        sample = "  示例" if event.sample else ""
        print(f"{event.taken:3}/{event.seats:<3} {when(event):24} {event.title}  {event.place}{sample}")


@bookings_app.command()
def demo() -> None:
    """Put fictional courses and points into the list, marked 示例 wherever they are shown; never for the public."""
    catalogue = _catalogue()
    at = now().replace(hour=14, minute=0, second=0, microsecond=0)
    course = CourseRow(id="demo", title="家庭照护课（示例）", about="翻身、喂饭、防跌倒", sample=True)
    dates = [
        EventRow(
            id=f"demo{number}",
            kind="training",
            course_id="demo",
            point_id=None,
            title=course.title,
            district="徐汇区",
            place="示例社区中心，徐汇区田林街道田林路（示例）2号",
            bring="身份证",
            latitude=31.1766,
            longitude=121.4222,
            starts_at=at + timedelta(days=days),
            ends_at=at + timedelta(days=days, hours=2),
            seats=8,
            taken=0,
            state="open",
            sample=True,
        )
        for number, days in enumerate(_DEMO_DAYS)
    ]
    catalogue.put_courses([course], dates)
    catalogue.put_points([_point("demo_tianlin", "田林", "徐汇区"), _point("demo_wujiaochang", "五角场", "杨浦区")])
    print(f"{len(dates)} dates of a course and 2 advisor points, all of them samples (示例)")


def _point(point_id: str, name: str, district: str) -> PointRow:
    return PointRow(
        id=point_id,
        name=f"示例{name}养老顾问点",
        district=district,
        street=f"{name}街道",
        address="示例路1号",
        phone=None,
        hours="周一至周五 9:00-11:00，13:30-16:30",
        slot_minutes=30,
        advisors=1,
        latitude=None,
        longitude=None,
        sample=True,
    )


def _catalogue() -> Catalogue:
    settings = GatewaySettings()
    database = Database(settings.database, Cipher(settings.encryption_key()))
    database.migrate()
    return Catalogue(database, now)
