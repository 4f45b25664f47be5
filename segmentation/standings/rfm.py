"""RFM once more, beside the pool's own: another window, some categories, channels or stores, edges of its own."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Annotated, Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from psycopg2 import sql as pg
from pydantic import Field

from members.models import MemberStanding
from members.models.state import RfmGroup
from members.touching import GOODS
from scrm.lib import formats
from segmentation.recalculation import told
from segmentation.recalculation.edges import rfm_edges
from segmentation.recalculation.settings import RfmSettings
from segmentation.standings import columns
from segmentation.standings.columns import Column
from segmentation.standings.families import Ask, Code, Family, Settings, Statement, Words, register

Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=80)]], Field(max_length=100)]
TONES = {7: "blue", 5: "blue", 3: "amber", 1: "red", 6: "green", 4: "green", 2: "slate", 0: "slate"}
LETTERS = ("r", "f", "m")


class RfmScheme(RfmSettings, Settings):
    """How scores and groups are cut, and of which orders; nothing chosen means all of them."""

    categories: Names = []  # only lines of these: their orders count for R and F, their amounts for M
    channels: Annotated[list[int], Field(max_length=100)] = []  # of the order
    stores: Names = []  # codes, of the order

    @property
    def is_narrow(self) -> bool:
        return bool(self.categories or self.channels or self.stores)


@register
class Rfm(Family):
    key: ClassVar[str] = "rfm"
    title: ClassVar[Words] = gettext_lazy("RFM 配置")
    about: ClassVar[Words] = gettext_lazy("在默认 RFM 之外，按另一个窗口、品类、渠道或门店再分一次八组")
    icon: ClassVar[str] = "chart-treemap"
    settings: ClassVar[type[Settings]] = RfmScheme
    value_label: ClassVar[Words] = gettext_lazy("RFM 分值")
    is_ladder: ClassVar[bool] = False

    def codes(self, settings: Any) -> Sequence[Code]:
        """The eight groups, the value is R, F and M score side by side: 545."""
        return [Code(group.value, group.label, TONES[group.value]) for group in RfmGroup]

    def follows(self, settings: Any) -> frozenset[str]:
        return frozenset({GOODS} if settings.categories else ())

    def columns(self, ask: Ask) -> Sequence[Column]:
        return list(_window(ask).values()) if _is_another_window(ask) else ()

    def gather(self, ask: Ask) -> Statement | None:
        chosen: RfmScheme = ask.settings
        if not chosen.is_narrow:
            return None
        window = timedelta(days=chosen.window_days)
        values = {"pool_id": ask.pool_id, "as_of": ask.as_of, "window": window, "window_from": ask.as_of - window}
        values |= {"channels": chosen.channels, "stores": chosen.stores}
        if chosen.categories:
            return Statement("standings/gather_rfm_goods", {**values, "categories": chosen.categories})
        return Statement("standings/gather_rfm", values, is_for_both=True)

    def measure(self, ask: Ask) -> Statement | None:
        return Statement("standings/measure_rfm", {}, {"known": self._known(ask)})

    def edges(self, ask: Ask, found: Mapping[str, Any]) -> dict[str, Any]:
        return {**rfm_edges(ask.settings, dict(found), ask.as_of), "buyers": found["buyers"]}

    def compute(self, ask: Ask) -> Statement:
        values = {**constants(ask.edges), "by_age": ask.settings.is_narrow}
        return Statement("standings/sort_by_rfm", values, {"known": self._known(ask)})

    def ages(self, settings: Any, edges: Mapping[str, Any]) -> Sequence[timedelta]:
        """Where all orders count, the last one is that of the state, along which those who crossed an edge are found."""
        if settings.is_narrow or not edges:
            return ()
        return [timedelta(seconds=seconds) for seconds in (*edges["r"], edges["r_split"])]

    def _known(self, ask: Ask) -> pg.Composable:
        if ask.settings.is_narrow:
            return pg.SQL("{gathered}")
        return pg.SQL(_windowed(ask)) if _is_another_window(ask) else pg.SQL("{facts}")

    # -- In words --------------------------------------------------------------------------------
    def told(self, settings: Any, edges: Mapping[str, Any]) -> list[tuple[Words, Words]]:
        rows: list[tuple[Words, Words]] = [(gettext_lazy("统计范围"), scope_words(settings))]
        if not edges:
            return rows
        found = SimpleNamespace(**edges)
        high = told.split_row(found)
        rows += [(gettext_lazy("有订单的会员"), formats.full(edges["buyers"]))]
        rows += [(_("%(letter)s 高") % {"letter": letter.upper()}, words) for letter, words in zip(LETTERS, high, strict=True)]
        for score, *limits in told.score_rows(found)[:-1]:
            rows.append((_("%(n)s 分") % {"n": score}, " · ".join(limits)))
        return rows

    def reasons(self, scheme: Any, member: Any, as_of: datetime) -> list[tuple[str, str]]:
        """The three scores with what each takes, and whether that counts as high."""
        row = MemberStanding.objects.filter(scheme_id=scheme.pk, member_id=member.pk).first()
        if row is None or row.value is None or not scheme.edges:
            return []
        limits = {score: words for score, *words in told.score_rows(SimpleNamespace(**scheme.edges))}
        scores = [int(digit) for digit in f"{row.value:03}"]
        levels = [_("高") if row.code & bit else _("低") for bit in (4, 2, 1)]
        return [
            (_("%(letter)s %(n)s 分（%(level)s）") % {"letter": letter.upper(), "n": score, "level": level}, limits[score][place])
            for place, (letter, score, level) in enumerate(zip(LETTERS, scores, levels, strict=True))
        ]


def _is_another_window(ask: Ask) -> bool:
    """All orders count, but of a window that the facts of the run do not have."""
    return not ask.settings.is_narrow and ask.settings.window_days != ask.window_days


def _window(ask: Ask) -> dict[str, Column]:
    return columns.windowed(ask.settings.window_days, ask.as_of)


def _windowed(ask: Ask) -> str:
    """The facts with another window, whose columns have nothing of who ordered before it only."""
    names = {key: column.name for key, column in _window(ask).items()}
    return (
        "(SELECT f.member_id, f.last_order_at,"  # noqa: S608  (constants)
        f" coalesce(o.{names['count']}, 0) AS window_count, coalesce(o.{names['amount']}, 0) AS window_amount,"
        f" o.{names['oldest']} + interval '{ask.settings.window_days} days' AS window_due"
        " FROM {facts} AS f LEFT JOIN {orders} AS o ON o.member_id = f.member_id)"
    )


def constants(edges: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of sort_by_rfm: ages as intervals, the others as they are."""
    values: dict[str, Any] = {
        "r_split": timedelta(seconds=edges["r_split"]),
        "f_split": edges["f_split"],
        "m_split": edges["m_split"],
    }
    for n in range(4):
        values |= {f"r{n + 1}": timedelta(seconds=edges["r"][n]), f"f{n + 1}": edges["f"][n], f"m{n + 1}": edges["m"][n]}
    return values


def scope_words(chosen: RfmScheme) -> str:
    """Of which orders, in words."""
    parts = [_("近 %(n)s 天") % {"n": chosen.window_days}]
    if chosen.categories:
        parts.append(_("品类：%(names)s") % {"names": formats.listed(chosen.categories)})
    if chosen.channels:
        parts.append(_("渠道：%(names)s") % {"names": formats.listed(channel_names(chosen.channels))})
    if chosen.stores:
        parts.append(_("门店：%(names)s") % {"names": formats.listed(chosen.stores)})
    return " · ".join(parts)


def channel_names(ids: Sequence[int]) -> list[str]:
    """Names of channels in the order given; one that is gone is a number."""
    from members.models import Channel

    known = {channel.pk: str(channel) for channel in Channel.objects.filter(pk__in=ids)}
    return [known.get(pk, f"#{pk}") for pk in ids]
