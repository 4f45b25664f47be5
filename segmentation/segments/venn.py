"""Circles of a Venn diagram for two or three sets: areas as sizes, overlaps of pairs as exact as circles allow."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import acos, cos, hypot, isclose, pi, sin, sqrt

from pyroaring import BitMap

WIDTH, HEIGHT, PAD = 460.0, 320.0, 36.0
STEPS = 60


@dataclass(frozen=True)
class Circle:
    x: float
    y: float
    r: float


@dataclass(frozen=True)
class Mark:
    """Where the number of a field stands."""

    x: float
    y: float
    inside: tuple[int, ...]


def lens(r1: float, r2: float, d: float) -> float:
    """The area two circles share whose centres are `d` apart."""
    if d >= r1 + r2:
        return 0.0
    if d <= abs(r1 - r2):
        return pi * min(r1, r2) ** 2
    a = acos(max(-1.0, min(1.0, (d * d + r1 * r1 - r2 * r2) / (2 * d * r1))))
    b = acos(max(-1.0, min(1.0, (d * d + r2 * r2 - r1 * r1) / (2 * d * r2))))
    return r1 * r1 * (a - sin(2 * a) / 2) + r2 * r2 * (b - sin(2 * b) / 2)


def apart(r1: float, r2: float, area: float) -> float:
    """How far apart two circles stand that share this area."""
    low, high = abs(r1 - r2), r1 + r2
    if area <= 0:
        return high * 1.04  # a gap to be seen
    if isclose(area, pi * min(r1, r2) ** 2, rel_tol=1e-9):
        return low * 0.98
    for _step in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if lens(r1, r2, middle) > area else (low, middle)
    return (low + high) / 2


def circles(sets: Sequence[BitMap]) -> list[Circle]:
    """Two or three circles in the middle of the picture; nobody in any of them: none."""
    if not 2 <= len(sets) <= 3 or not any(sets):
        return []
    radii = [sqrt(max(len(each), 1) / pi) for each in sets]
    first = Circle(0.0, 0.0, radii[0])
    second = Circle(_apart(sets, radii, 0, 1), 0.0, radii[1])
    placed = [first, second] if len(sets) == 2 else [first, second, _third(sets, radii, second.x)]
    return _fitted(placed)


def _apart(sets: Sequence[BitMap], radii: Sequence[float], a: int, b: int) -> float:
    return apart(radii[a], radii[b], float(sets[a].intersection_cardinality(sets[b])))


def _third(sets: Sequence[BitMap], radii: Sequence[float], between: float) -> Circle:
    """Where its distances to both others are right; where no triangle has them, as near as can be."""
    to_first, to_second = _apart(sets, radii, 0, 2), _apart(sets, radii, 1, 2)
    if between < 1e-9:
        return Circle(0.0, to_first, radii[2])
    x = (between**2 + to_first**2 - to_second**2) / (2 * between)
    x = max(-to_first, min(to_first, x))
    return Circle(x, sqrt(max(to_first**2 - x**2, 0.0)), radii[2])


def _fitted(found: list[Circle]) -> list[Circle]:
    left, right = min(c.x - c.r for c in found), max(c.x + c.r for c in found)
    top, bottom = min(c.y - c.r for c in found), max(c.y + c.r for c in found)
    scale = min((WIDTH - 2 * PAD) / (right - left), (HEIGHT - 2 * PAD) / (bottom - top))
    dx, dy = (WIDTH - scale * (left + right)) / 2, (HEIGHT - scale * (top + bottom)) / 2
    return [Circle(c.x * scale + dx, c.y * scale + dy, c.r * scale) for c in found]


def marks(found: Sequence[Circle]) -> list[Mark]:
    """For every field that the circles draw: the point of it that is farthest from any line."""
    best: dict[tuple[int, ...], tuple[float, float, float]] = {}
    for x, y in _points(found):
        gaps = [c.r - hypot(x - c.x, y - c.y) for c in found]
        inside = tuple(n for n, gap in enumerate(gaps) if gap > 0)
        room = min(abs(gap) for gap in gaps)
        if inside and room > best.get(inside, (0.0, 0.0, 0.0))[0]:
            best[inside] = (room, x, y)
    return [Mark(x, y, inside) for inside, (_room, x, y) in best.items()]


def _points(found: Sequence[Circle]) -> list[tuple[float, float]]:
    """Points spread over every circle, in rings."""
    rings = [(ring / 16, turn * pi / 24) for ring in range(17) for turn in range(48)]
    return [(c.x + c.r * part * cos(angle), c.y + c.r * part * sin(angle)) for c in found for part, angle in rings]
