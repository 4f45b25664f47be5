"""The members behind a figure: `?quality=field.birthday~3` have it, `?quality=-field.birthday~3` lack it (3: the source)."""

from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from psycopg2 import sql as pg
from pyroaring import BitMap

from members import filters
from members.models import Channel, DailyFigure, Pool
from members.quality import figures, services
from scrm.lib import clock, sql

KEY = "quality"
REVIEWS = ("review.open", "review.conflict")


def value(name: str, source: int, *, lacking: bool = False) -> str:
    """What the member list is asked for."""
    return f"{'-' if lacking else ''}{name}~{source}"


def _read(said: str) -> tuple[bool, str, int]:
    name, _tilde, source = said.rpartition("~")
    return name.startswith("-"), name.removeprefix("-"), int(source)


def members(pool: Pool, said: str) -> BitMap:
    """Whom a figure counts; raises ValueError for one that does not exist."""
    lacking, name, source = _read(said)
    params = {**services.params(pool, clock.now()), "source": None if source == DailyFigure.WHOLE else source}
    if name == figures.DUPLICATES and not lacking:
        return _set(sql.value("members/quality/list_duplicates", params))
    if name in REVIEWS and not lacking:
        return _set(sql.value("members/quality/list_reviews", {**params, "conflict": name == REVIEWS[1]}))
    known = figures.every(pool)
    if name not in known:
        raise ValueError(name)
    test = pg.SQL("NOT coalesce({}, false)").format(known[name].test) if lacking else known[name].test
    return _set(sql.value("members/quality/list_members", params, test=test))


def _set(packed: Any) -> BitMap:
    return BitMap(np.frombuffer(bytes(packed), dtype=">i8").astype(np.uint32)) if packed else BitMap()


def words(pool: Pool, said: str) -> str:
    """How the filter reads."""
    lacking, name, source = _read(said)
    label = figures.label_of(pool, name)
    told = _("缺%(what)s") % {"what": label} if lacking else label
    return told if source == DailyFigure.WHOLE else f"{told} · {source_name(source)}"


def source_name(source: int) -> str:
    """What people call a source."""
    if source == DailyFigure.NOWHERE:
        return _("未注明来源")
    if source == DailyFigure.WHOLE:
        return _("全池")
    found = Channel.objects.filter(pk=source).first()
    return str(found) if found else f"#{source}"


filters.register(KEY, gettext_lazy("数据质量"), members, words)
