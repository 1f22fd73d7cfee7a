"""A booking as an iCalendar file (RFC 5545), with a reminder two hours before."""

from __future__ import annotations

from datetime import datetime, timedelta

from icalendar import Alarm, Calendar, Event

from actions.booking.model import Booking
from knowledge.phrases import say

_BEFORE = timedelta(hours=-2)


def calendar_file(booking: Booking, now: datetime) -> bytes:
    """Return the file. It names neither person nor phone: calendars are shared."""
    event = Event()
    event.add("uid", f"{booking.id}@elderly-care-advisor")
    event.add("dtstamp", now)
    event.add("dtstart", booking.event.starts_at)
    event.add("dtend", booking.event.ends_at)
    event.add("summary", booking.event.title)
    event.add("location", booking.event.place)
    event.add("description", say("calendar_about", code=f"{booking.code[:3]} {booking.code[3:]}"))
    if booking.event.latitude and booking.event.longitude:
        event.add("geo", (booking.event.latitude, booking.event.longitude))
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", booking.event.title)
    alarm.add("trigger", _BEFORE)
    event.add_component(alarm)
    calendar = Calendar()
    calendar.add("prodid", "-//elderly-care-advisor//zh//")
    calendar.add("version", "2.0")
    calendar.add_component(event)
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())
