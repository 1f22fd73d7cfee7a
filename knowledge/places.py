"""Places: advisor points, community centres, canteens, day care; found by district, street and distance."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from knowledge.hours import parse_hours
from knowledge.schema import PartialDate, Text
from knowledge.where import Whereabouts, districts

EARTH_M = 6_371_000
METRES_IN_15_MINUTES = 1_000


class PlaceKind(StrEnum):
    """What kind of place."""

    ADVISOR_POINT = "advisor_point"
    COMMUNITY_CENTRE = "community_centre"
    CANTEEN = "canteen"
    DAY_CARE = "day_care"
    CARE_HOME = "care_home"
    BATHING = "bathing"


KIND_NAMES = {
    PlaceKind.ADVISOR_POINT: "养老顾问点",
    PlaceKind.COMMUNITY_CENTRE: "社区综合为老服务中心",
    PlaceKind.CANTEEN: "社区长者食堂",
    PlaceKind.DAY_CARE: "日间照护机构",
    PlaceKind.CARE_HOME: "养老院",
    PlaceKind.BATHING: "助浴点",
}
KIND_SERVICES = {
    PlaceKind.ADVISOR_POINT: "eldercare_advisor",
    PlaceKind.COMMUNITY_CENTRE: "community_center",
    PlaceKind.CANTEEN: "meal_service",
    PlaceKind.DAY_CARE: "day_care",
    PlaceKind.CARE_HOME: "basic_nursing_home",
    PlaceKind.BATHING: "bath_station",
}
_KIND_WORDS = {
    PlaceKind.ADVISOR_POINT: r"顾问点|养老顾问",
    PlaceKind.CANTEEN: r"食堂|助餐|吃饭|饭堂|老年餐",
    PlaceKind.DAY_CARE: r"日托|日间照护|日间照料|白天托",
    PlaceKind.COMMUNITY_CENTRE: r"为老服务中心|综合为老|社区中心|老年活动中心",
    PlaceKind.CARE_HOME: r"养老院|敬老院|长者照护之家|护理院|养老机构",
    PlaceKind.BATHING: r"助浴|洗澡|浴室",
}
_ASKS_WHERE = re.compile(
    r"哪里|哪儿|哪个|哪家|哪些|附近|最近|离.{1,10}近|近点|有没有|有吗|有哪|地址|在哪|几家|周围|旁边|有.{0,6}[吗伐么]"
)


class Place(BaseModel):
    """One place. Coordinates are WGS 84 degrees, both or none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: PlaceKind
    name: Text
    district: str
    street: Text | None = None
    address: Text
    phone: Annotated[str, StringConstraints(pattern=r"^[0-9][0-9-]{2,15}$")] | None = None
    hours: Text | None = None
    latitude: float | None = Field(None, ge=30.6, le=31.9)
    longitude: float | None = Field(None, ge=120.8, le=122.3)
    as_of: PartialDate | None = None
    sample: bool = False

    @field_validator("district")
    @classmethod
    def _is_a_district(cls, value: str) -> str:
        if value not in districts():
            raise ValueError(f"no such district: one of {'、'.join(districts())}")
        return value

    @field_validator("hours")
    @classmethod
    def _can_be_read(cls, value: str | None) -> str | None:
        if value:
            parse_hours(value)
        return value

    @model_validator(mode="after")
    def _both_coordinates_or_none(self) -> Place:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude are given together or not at all")
        return self

    def point(self) -> tuple[float, float] | None:
        """Return (latitude, longitude), or None."""
        if self.latitude is None or self.longitude is None:
            return None
        return self.latitude, self.longitude


@dataclass(frozen=True)
class Found:
    """A place, and how far it is as the crow flies, in metres; None without a point to measure from."""

    place: Place
    metres: int | None = None


class PlaceBook:
    """All places of one import. Immutable."""

    def __init__(self, places: Iterable[Place] = ()) -> None:
        self.places = tuple(places)

    def __len__(self) -> int:
        return len(self.places)

    def find(
        self, kind: PlaceKind, where: Whereabouts, near: tuple[float, float] | None = None, top: int = 3
    ) -> list[Found]:
        """Return places of ``kind``, the nearest first where there is a point to measure from.

        Without ``near``, the road's own places give the point; a street or district keeps
        only what is in it, widening from street to district where the street has none.
        """
        of_kind = [place for place in self.places if place.kind is kind]
        point = near or self.point_of(where)
        if point is None or not any(place.point() for place in of_kind):
            return [Found(place) for place in _within(of_kind, where)][:top]
        measured = [Found(place, distance(point, at)) for place in of_kind if (at := place.point())]
        return sorted(measured, key=lambda found: found.metres or 0)[:top]

    def point_of(self, where: Whereabouts) -> tuple[float, float] | None:
        """Return the middle of the places on the road, or None where none of ours is on it."""
        if where.road is None:
            return None
        points = [at for place in self.places if where.road in place.address and (at := place.point())]
        if not points:
            return None
        return sum(at[0] for at in points) / len(points), sum(at[1] for at in points) / len(points)


def kind_asked(text: str) -> PlaceKind | None:
    """Return which kind of place normal ``text`` looks for, or None where it looks for none."""
    if not _ASKS_WHERE.search(text):
        return None
    return next((kind for kind, words in _KIND_WORDS.items() if re.search(words, text)), None)


def distance(one: tuple[float, float], other: tuple[float, float]) -> int:
    """Return the great-circle distance in metres (haversine)."""
    (lat1, lon1), (lat2, lon2) = (tuple(map(math.radians, point)) for point in (one, other))
    a = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return round(2 * EARTH_M * math.asin(math.sqrt(a)))


def map_link(latitude: float, longitude: float, name: str) -> str:
    """Return an address that shows a point (WGS 84 degrees) on a map, in an app or a browser.

    https://lbs.amap.com/api/uri-api/guide/mobile-web/point
    """
    query = {"position": f"{longitude:.6f},{latitude:.6f}", "name": name, "coordinate": "wgs84", "callnative": 1}
    return f"https://uri.amap.com/marker?{urlencode(query)}"


def walking_minutes(metres: int) -> int:
    """Return the walk, reckoned as 15 minutes a kilometre."""
    return max(1, round(metres * 15 / METRES_IN_15_MINUTES))


def _within(places: Iterable[Place], where: Whereabouts) -> list[Place]:
    listed = sorted(places, key=lambda place: place.name)
    in_district = [place for place in listed if where.district in (None, place.district)]
    in_street = [place for place in in_district if where.street and where.street == place.street]
    return in_street or in_district
