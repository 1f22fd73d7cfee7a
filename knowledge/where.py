"""Where in Shanghai a text speaks of: district, street or town, road."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from knowledge.normalise import DATA

_OLD_NAMES = {"闸北": "静安区", "卢湾": "黄浦区", "南汇": "浦东新区", "浦东": "浦东新区"}
_ROAD = re.compile(r"[\u4e00-\u9fff]{2,6}?(?:大道|公路|路|街)(?!道)")
_NOT_A_ROAD = re.compile(r"走路|马路|线路|网路|电路|一路|过路|上街|逛街|养路|铁路|问路|门路|出路|思路")
_BEFORE_A_ROAD = re.compile(r"^.*?(?:离|在|到|去|近|住|是|的|我家|附近|靠近|区)")
_SUFFIX = re.compile(r"(?:新村|路|镇)?(?:街道|镇)$")


@dataclass(frozen=True)
class Whereabouts:
    """What a text says of a place; None where it says nothing."""

    district: str | None = None
    street: str | None = None  # 街道 or 镇, by its full name
    road: str | None = None

    def is_known(self) -> bool:
        """Return whether anything is said."""
        return any((self.district, self.street, self.road))


def whereabouts(text: str) -> Whereabouts:
    """Return where normal ``text`` speaks of. 田林路 is a road, and tells 田林街道 and 徐汇区."""
    district = next((full for stem, full in _districts().items() if stem in text), None)
    road = _road(text)
    street = None
    for stem, (name, of) in _streets().items():
        if (stem in text or name in text) and (district in (None, of)):
            street, district = name, of
            break
    return Whereabouts(district, street, road)


@functools.cache
def districts() -> dict[str, tuple[str, ...]]:
    """Return each district with its streets and towns."""
    lines = (DATA / "streets.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return {row[0]: tuple(row[1:]) for row in rows}


def _road(text: str) -> str | None:
    for found in _ROAD.finditer(text):
        name = _BEFORE_A_ROAD.sub("", found.group())
        if len(name) >= 3 and not _NOT_A_ROAD.search(name):
            return name
    return None


@functools.cache
def _districts() -> dict[str, str]:
    stems = {name.removesuffix("新区").removesuffix("区"): name for name in districts()}
    return {**stems, **_OLD_NAMES}


@functools.cache
def _streets() -> dict[str, tuple[str, str]]:
    """Return stem → (full name, district); a stem of two districts is left out, longer stems first."""
    found: dict[str, list[tuple[str, str]]] = {}
    for district, names in districts().items():
        for name in names:
            stem = _SUFFIX.sub("", name)
            found.setdefault(stem if len(stem) >= 2 else name, []).append((name, district))
    # 中山, 建设, 江苏 … are roads and words everywhere, 嘉定 is a district: these need their full name.
    common = _districts().keys() | {
        "中山",
        "建设",
        "三星",
        "中兴",
        "江苏",
        "湖南",
        "友谊",
        "新河",
        "大桥",
        "永丰",
        "万里",
        "华亭",
        "新桥",
    }
    one = {
        (stem if stem not in common and len(names) == 1 else name): (name, district)
        for stem, names in found.items()
        for name, district in names
    }
    return dict(sorted(one.items(), key=lambda pair: -len(pair[0])))
