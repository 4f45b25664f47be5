"""AIPL: awareness, interest, purchase, loyalty, each shown by evidence the pool chooses."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import Field, field_validator

from members.touching import DELIVERED
from scrm.lib import formats
from segmentation.standings import evidence
from segmentation.standings.columns import Column
from segmentation.standings.evidence import Evidence
from segmentation.standings.families import Ask, Code, Family, Settings, Statement, Words, refuse, register

STEPS: dict[int, tuple[Words, str]] = {
    1: (gettext_lazy("认知"), "slate"),
    2: (gettext_lazy("兴趣"), "blue"),
    3: (gettext_lazy("购买"), "violet"),
    4: (gettext_lazy("忠诚"), "green"),
}
WANTING = ["search", "click", "add_to_cart", "favourite", "share"]
USUAL = [
    Evidence(step=1, source="event", days=180),
    Evidence(step=1, source="received", days=180),
    Evidence(step=1, source="joined", days=180),
    Evidence(step=2, source="event", kinds=WANTING, days=90),
    Evidence(step=2, source="opened", times=2, days=90),
    Evidence(step=2, source="community"),
    Evidence(step=3, source="order", days=730),
    Evidence(step=4, source="order", times=3, days=365),
]


class AiplSettings(Settings):
    """Which evidence puts a member on which step; any one is enough, the highest step counts."""

    may_fall: bool = True  # back to a lower step when the evidence is too old; else a step once reached is kept
    evidence: Annotated[list[Evidence], Field(min_length=1, max_length=24)] = USUAL

    @field_validator("evidence")
    @classmethod
    def _steps(cls, given: list[Evidence]) -> list[Evidence]:
        if any(each.step not in STEPS for each in given):
            raise refuse("step", gettext_lazy("阶段只能是认知、兴趣、购买、忠诚。"))
        return given


@register
class Aipl(Family):
    key: ClassVar[str] = "aipl"
    title: ClassVar[Words] = gettext_lazy("AIPL")
    about: ClassVar[Words] = gettext_lazy("认知、兴趣、购买、忠诚：每一步由选定的证据判定")
    icon: ClassVar[str] = "stairs-up"
    settings: ClassVar[type[Settings]] = AiplSettings
    reads: ClassVar[frozenset[str]] = frozenset({"members", "orders", "events", "communities", "deliveries"})

    def follows(self, settings: Any) -> frozenset[str]:
        return frozenset(DELIVERED for each in settings.evidence if each.source == "received")

    def codes(self, settings: Any) -> Sequence[Code]:
        return [
            Code(step, label, tone, formats.clauses(evidence.told(each) for each in settings.evidence if each.step == step))
            for step, (label, tone) in STEPS.items()
        ]

    def columns(self, ask: Ask) -> Sequence[Column]:
        found = (evidence.column(ask, each, for_good=not ask.settings.may_fall) for each in ask.settings.evidence)
        return [each for each in found if each is not None]

    def gather(self, ask: Ask) -> Statement | None:
        proofs, values = evidence.proofs(ask, ask.settings.evidence, for_good=not ask.settings.may_fall)
        return Statement("standings/gather_steps", values, {"proofs": proofs}, is_for_both=True)

    def compute(self, ask: Ask) -> Statement:
        return Statement("standings/sort_by_step")

    def outside(self, settings: Any) -> Words:
        return gettext_lazy("没有任何一步的证据")

    def told(self, settings: Any, edges: Mapping[str, Any]) -> list[tuple[Words, Words]]:
        rows: list[tuple[Words, Words]] = [
            (label, formats.clauses(evidence.told(each) for each in settings.evidence if each.step == step) or _("没有证据"))
            for step, (label, _tone) in STEPS.items()
        ]
        fall = _("证据过期后回到较低的一步") if settings.may_fall else _("到达后不再后退")
        return [*rows, (_("后退"), fall)]

    def ahead(self, settings: Any, edges: Mapping[str, Any], standing: Any) -> Words:
        higher = [each for each in settings.evidence if each.step > standing.code]
        if not higher:
            return ""
        step = min(each.step for each in higher)
        wanted = _("，或").join(evidence.told(each) for each in higher if each.step == step)
        return _("到%(step)s还需：%(evidence)s") % {"step": STEPS[step][0], "evidence": wanted}
