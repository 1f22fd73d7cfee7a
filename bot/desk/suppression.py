"""Which counts may be shown: none from 1 to 4, nor any that could be reckoned from those that are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

LEAST = 5  # the smallest count that may be shown; nought says nothing about anybody


class Hidden(StrEnum):
    """Why a count is not shown, as staff read it."""

    FEW = "少于5"
    WITH_FEW = "不显示"  # it would give away one that is FEW


Shown = int | Hidden


@dataclass(frozen=True)
class Protected:
    """A breakdown as it may be shown; ``cells`` is None where no part of it may be."""

    total: Shown
    cells: tuple[Shown, ...] | None


def shown(count: int) -> Shown:
    """Return a count that belongs to no breakdown, as it may be shown."""
    return Hidden.FEW if 0 < count < LEAST else count


def protect(counts: Sequence[int], least: Sequence[int] = (), most: Sequence[int] = ()) -> Protected:
    """Return a breakdown whose total is shown too.

    Where the total less the cells that are shown tells a hidden count of 1 to 4, the next
    smallest cell is hidden as well; where none is left, the whole breakdown is. ``least`` and
    ``most`` are what another table may tell of each cell: a part of it, or what it is part of.
    """
    bounds = list(zip(least or [0] * len(counts), most or [sum(counts)] * len(counts), strict=True))
    cells = [shown(count) for count in counts]
    total = shown(sum(counts))
    if total is Hidden.FEW:  # nothing to subtract from
        return Protected(total, tuple(cells))
    while _tells(counts, cells, bounds):
        left = [number for number, cell in enumerate(cells) if isinstance(cell, int) and cell]
        if not left:
            return Protected(total, None)
        cells[min(left, key=lambda number: counts[number])] = Hidden.WITH_FEW
    return Protected(total, tuple(cells))


def _tells(counts: Sequence[int], cells: Sequence[Shown], bounds: Sequence[tuple[int, int]]) -> bool:
    """Return whether some hidden count of 1 to 4 can have one value only.

    Who reckons knows the sum of the hidden cells, that each FEW is 1 to 4, and that the others
    are at least 5, no larger than the smallest that is shown, and within their bounds.
    """
    few = cells.count(Hidden.FEW)
    if not few:
        return False
    rest = sum(count for count, cell in zip(counts, cells, strict=True) if isinstance(cell, Hidden))
    smallest = min((cell for cell in cells if isinstance(cell, int) and cell), default=rest)
    others = [bound for bound, cell in zip(bounds, cells, strict=True) if cell is Hidden.WITH_FEW]
    at_most = rest - (few - 1) - sum(max(LEAST, low) for low, _ in others)
    at_least = rest - (few - 1) * (LEAST - 1) - sum(min(smallest, high) for _, high in others)
    return max(1, at_least) >= min(LEAST - 1, at_most)
