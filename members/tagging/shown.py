"""What tags show elsewhere: a chart, and moments of a member's timeline."""

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.models import Member, MemberTag, Tag, TagChange
from members.tagging import queries
from members.timeline import Moment, newest, source
from scrm.lib import clock
from scrm.lib.charts import Chart, Column, chart

ICONS = {TagChange.What.ON: "tag", TagChange.What.OFF: "tag-off", TagChange.What.PROLONGED: "clock-plus"}


@source("tags", gettext_lazy("标签"), "tag")
def moments(member: Member, before: datetime | None, limit: int) -> list[Moment]:
    """Tags given and taken; of those given before history was kept, the moment they were given."""
    found = newest(TagChange.objects.filter(member=member).select_related("tag__group", "by"), "at", before, limit, "id")
    known = TagChange.objects.filter(member_id=member.pk, tag_id=OuterRef("tag_id"), what=TagChange.What.ON)
    older = MemberTag.objects.filter(~Exists(known), member=member).select_related("tag__group", "by")
    before_history = newest(older, "at", before, limit, "tag_id")
    rows = [_moment(row) for row in found] + [
        Moment(row.at, _("打上标签「%(tag)s」") % {"tag": row.tag}, str(row.by or ""), "tag", row.tag.group.color)
        for row in before_history
    ]
    return sorted(rows, key=lambda row: row.at, reverse=True)[:limit]


def _moment(row: TagChange) -> Moment:
    said = {
        TagChange.What.ON: _("打上标签「%(tag)s」"),
        TagChange.What.OFF: _("取下标签「%(tag)s」"),
        TagChange.What.PROLONGED: _("延长标签「%(tag)s」的有效期"),
    }
    href = "" if row.tag.retired_at else reverse("tags:detail", args=[row.tag_id])
    title = said[TagChange.What(row.what)] % {"tag": row.tag}
    who = " · ".join(filter(None, [str(TagChange.How(row.how).label), str(row.by or "")]))
    tone = row.tag.group.color if row.what == TagChange.What.ON else "slate"
    return Moment(row.at, title, who, ICONS[TagChange.What(row.what)], tone, href=href)


@chart("tag_sizes", title=gettext_lazy("带有人数"), permission="members.view")
def tag_sizes(request: HttpRequest) -> Chart:
    """How many carried a tag on each of the last ninety days: `?tag=12`."""
    text = request.GET.get("tag", "")
    if not text.isdecimal() or len(text) > 18:
        raise Http404
    pool: Any = request.pool  # type: ignore[attr-defined]
    tag = get_object_or_404(Tag.objects.select_related("pool"), pool=pool, pk=int(text))
    points = queries.sizes(tag, clock.now())
    return Chart(
        title=_("%(name)s：带有人数") % {"name": tag.name},
        columns=[Column(_("日期"), "date"), Column(_("人数"), "number")],
        rows=[(day.isoformat(), size) for day, size in points],
        option={
            "grid": {"left": 12, "right": 20, "top": 16, "bottom": 8, "containLabel": True},
            "tooltip": {"trigger": "axis"},
            "xAxis": {"type": "time", "splitLine": {"show": False}},
            "yAxis": {"type": "value", "axisLabel": {"formatter": "@compact"}, "minInterval": 1},
            "series": [
                {
                    "type": "line",
                    "name": _("人数"),
                    "step": "end",
                    "showSymbol": False,
                    "areaStyle": {"opacity": 0.08},
                    "color": "@chart-0",
                    "data": [[day.isoformat(), size] for day, size in points],
                }
            ],
        },
    )
