"""Portraits as tables: the columns and cells of pages' charts, files and programs."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from scrm.lib.charts import Column
from segmentation.portraits.comparing import Against, Between
from segmentation.portraits.dimensions import GROUPS
from segmentation.portraits.queries import Portrait, Trait, View


def verdict(found: Against | Between) -> str:
    """few, same, more or less."""
    if found.few:
        return "few"
    if not found.differs:
        return "same"
    return "more" if (found.low or 0) > 100 else "less"


def said(found: Against | Between) -> str:
    """The verdict in words."""
    words = {"few": _("人数太少"), "same": _("没有差别"), "more": _("偏多"), "less": _("偏少")}
    return str(words[verdict(found)])


def columns(found: Portrait) -> list[Column]:
    """Headings of `cells`."""
    heads = [Column(_("分组")), Column(_("维度")), Column(_("取值")), *_heads(found.segment.name)]
    heads[3:3] = [Column(_("全体人数"), "number"), Column(_("全体占比"), "percent")]
    if found.other is None:
        return heads
    between = [
        Column(_("两者之比（×100）"), "decimal"),
        Column(_("区间下限"), "decimal"),
        Column(_("区间上限"), "decimal"),
        Column(_("结论")),
    ]
    return [*heads, *_heads(found.other.name), *between]


def _heads(name: str) -> list[Column]:
    return [
        Column(_("%(name)s：人数") % {"name": name}, "number"),
        Column(_("%(name)s：占比") % {"name": name}, "percent"),
        Column("TGI", "decimal"),
        Column(_("TGI 下限"), "decimal"),
        Column(_("TGI 上限"), "decimal"),
        Column(_("结论")),
    ]


def cells(found: Iterable[tuple[View, Trait]]) -> list[list[Any]]:
    """One line per trait."""
    language = get_language() or "zh"
    return [[GROUPS[view.about.group].said(language), view.label, *_line(trait)] for view, trait in found]


def _line(trait: Trait) -> list[Any]:
    figure = trait.figure
    line = [trait.label, figure.pool_members, figure.pool_share, *_figures(figure)]
    if trait.other is None or trait.between is None:
        return line
    beside = trait.between
    return [*line, *_figures(trait.other), *_limits(beside.index, beside.low, beside.high), said(beside)]


def _figures(figure: Against) -> list[Any]:
    return [figure.members, figure.share, *_limits(figure.tgi, figure.low, figure.high), said(figure)]


def _limits(*found: float | None) -> list[float | None]:
    return [None if each is None else round(each, 1) for each in found]
