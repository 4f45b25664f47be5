"""Ellipses of a Venn diagram for four or five sets: every combination has a field, areas say nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import cos, hypot, radians, sin

from segmentation.segments.venn import Mark

WIDTH, HEIGHT, PAD, STEP = 460.0, 420.0, 14.0, 3
# Centre, half axes and turn in degrees, on a square of 1 × 1; tests count the fields.
FOUR = (
    (0.350, 0.600, 0.36, 0.225, 40.0),
    (0.450, 0.500, 0.36, 0.225, 40.0),
    (0.544, 0.500, 0.36, 0.225, 140.0),
    (0.644, 0.600, 0.36, 0.225, 140.0),
)
FIVE = (
    (0.428, 0.551, 0.435, 0.25, 25.0),
    (0.469, 0.457, 0.435, 0.25, 98.0),
    (0.558, 0.477, 0.435, 0.25, 170.0),
    (0.578, 0.568, 0.435, 0.25, 62.0),
    (0.489, 0.617, 0.435, 0.25, 134.0),
)


@dataclass(frozen=True)
class Ellipse:
    x: float
    y: float
    rx: float
    ry: float
    turn: float  # degrees, clockwise on the screen

    def gap(self, x: float, y: float) -> float:
        """About how far a point lies inside the line; below 0 outside."""
        a = radians(self.turn)
        u = (x - self.x) * cos(a) + (y - self.y) * sin(a)
        v = (y - self.y) * cos(a) - (x - self.x) * sin(a)
        far = hypot(u / self.rx, v / self.ry)
        return (1 - far) * far / hypot(u / self.rx**2, v / self.ry**2) if far else self.ry

    @property
    def reach(self) -> tuple[float, float]:
        """Half its width and half its height as it is turned."""
        a = radians(self.turn)
        return hypot(self.rx * cos(a), self.ry * sin(a)), hypot(self.rx * sin(a), self.ry * cos(a))


@lru_cache
def ellipses(count: int) -> tuple[Ellipse, ...]:
    """Four or five ellipses that fill the picture; for other counts none."""
    found = [Ellipse(*each) for each in {4: FOUR, 5: FIVE}.get(count, ())]
    if not found:
        return ()
    left, right = min(e.x - e.reach[0] for e in found), max(e.x + e.reach[0] for e in found)
    top, bottom = min(e.y - e.reach[1] for e in found), max(e.y + e.reach[1] for e in found)
    scale = min((WIDTH - 2 * PAD) / (right - left), (HEIGHT - 2 * PAD) / (bottom - top))
    dx, dy = (WIDTH - scale * (left + right)) / 2, (HEIGHT - scale * (top + bottom)) / 2
    return tuple(Ellipse(e.x * scale + dx, e.y * scale + dy, e.rx * scale, e.ry * scale, e.turn) for e in found)


@lru_cache
def marks(count: int) -> tuple[Mark, ...]:
    """For every field: the point of it that is farthest from any line."""
    best: dict[tuple[int, ...], tuple[float, float, float]] = {}
    for x, y in _points():
        gaps = [each.gap(x, y) for each in ellipses(count)]
        inside = tuple(n for n, gap in enumerate(gaps) if gap > 0)
        room = min((abs(gap) for gap in gaps), default=0.0)
        if inside and room > best.get(inside, (0.0, 0.0, 0.0))[0]:
            best[inside] = (room, x, y)
    return tuple(Mark(x, y, inside) for inside, (_room, x, y) in best.items())


def _points() -> Iterator[tuple[float, float]]:
    return ((float(x), float(y)) for x in range(0, int(WIDTH), STEP) for y in range(0, int(HEIGHT), STEP))
