"""Fictional courses and points for a demonstration, marked 示例 wherever they are shown."""

from __future__ import annotations

from datetime import datetime, timedelta

from actions.booking.catalogue import Catalogue
from storage.booking_tables import CourseRow, EventRow, PointRow

_AHEAD = (5, 8, 12)
_COURSE = "demo"


def put_samples(catalogue: Catalogue, now: datetime) -> None:
    """Put a course with coming dates, and two points, into the list; dates that are there stay as they are."""
    course = CourseRow(id=_COURSE, title="家庭照护课（示例）", about="翻身、喂饭、防跌倒", sample=True)
    catalogue.put_courses([course], [_date(now, days) for days in _AHEAD])
    catalogue.put_points([_point("demo_tianlin", "田林", "徐汇区"), _point("demo_wujiaochang", "五角场", "杨浦区")])


def _date(now: datetime, days: int) -> EventRow:
    starts = now.replace(hour=14, minute=0, second=0, microsecond=0) + timedelta(days=days)
    return EventRow(
        id=f"demo_{starts:%Y%m%d}",
        kind="training",
        course_id=_COURSE,
        point_id=None,
        title="家庭照护课（示例）",
        district="徐汇区",
        place="示例社区中心，徐汇区田林街道田林路（示例）2号",
        bring="身份证",
        latitude=31.1766,
        longitude=121.4222,
        starts_at=starts,
        ends_at=starts + timedelta(hours=2),
        seats=8,
        taken=0,
        state="open",
        sample=True,
    )


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
