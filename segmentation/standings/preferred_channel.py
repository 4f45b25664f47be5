"""The channel a member answers best through: learned from responses, with the pool's own rate as a prior."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import Field

from members.models import Consent
from members.touching import SENT
from scrm.lib import formats
from segmentation.standings.families import Ask, Code, Family, Settings, Statement, Words, register
from touchpoints.connectors.registry import CONNECTORS
from touchpoints.models import Connector

MILLION = 1_000_000
CARRIERS = {carrier: number for number, carrier in enumerate(Consent.Carrier, start=1)}
TONES = ("blue", "green", "violet", "amber", "red", "slate")


class PreferredChannelSettings(Settings):
    """Which messages count, and how much the pool's rate does beside them."""

    window_days: Annotated[int, Field(ge=7, le=730)] = 180
    strength: Annotated[int, Field(ge=1, le=1000)] = 10  # the prior counts like so many messages
    least: Annotated[int, Field(ge=1, le=100)] = 1  # with fewer messages nothing is said
    untried: bool = True  # offer channels a member can be reached through but was never written to


@register
class PreferredChannel(Family):
    key: ClassVar[str] = "preferred_channel"
    title: ClassVar[Words] = gettext_lazy("偏好渠道")
    about: ClassVar[Words] = gettext_lazy("按会员对触达的打开与点击，推断最愿意回应的渠道；数据少时以全池回应率为先验")
    icon: ClassVar[str] = "message-heart"
    settings: ClassVar[type[Settings]] = PreferredChannelSettings
    reads: ClassVar[frozenset[str]] = frozenset({"deliveries"})
    unit: ClassVar[Any] = "number"
    value_label: ClassVar[Words] = gettext_lazy("预计回应率（%）")
    is_ladder: ClassVar[bool] = False

    def follows(self, settings: Any) -> frozenset[str]:
        return frozenset({SENT})

    def codes(self, settings: Any) -> Sequence[Code]:
        return [Code(n, carrier.label, tone) for (carrier, n), tone in zip(CARRIERS.items(), TONES, strict=True)]

    def gather(self, ask: Ask) -> Statement:
        chosen: PreferredChannelSettings = ask.settings
        window = timedelta(days=chosen.window_days)
        found = list(Connector.objects.filter(pool=ask.pool_id).order_by("pk"))
        ways = sorted(
            {(_address(each), CARRIERS[_carrier(each)]) for each in found if each.is_active and chosen.untried and _address(each)}
        )
        values: dict[str, Any] = {"window": window, "window_from": ask.as_of - window, "as_of": ask.as_of}
        values |= {"connectors": [each.pk for each in found], "carriers": [CARRIERS[_carrier(each)] for each in found]}
        values |= {"kinds": [kind for kind, _number in ways], "kind_carriers": [number for _kind, number in ways]}
        return Statement("standings/gather_responses", values)

    def measure(self, ask: Ask) -> Statement:
        return Statement("standings/measure_responses")

    def edges(self, ask: Ask, found: Mapping[str, Any]) -> dict[str, Any]:
        sent, answered = [int(n) for n in found["sent"]], [int(n) for n in found["answered"]]
        rates = [yes * MILLION // all_sent for yes, all_sent in zip(answered, sent, strict=True)]
        return {"carriers": list(found["carriers"]), "sent": sent, "answered": answered, "rates": rates}

    def compute(self, ask: Ask) -> Statement:
        values = {"carriers": ask.edges.get("carriers", []), "rates": ask.edges.get("rates", [])}
        return Statement("standings/prefer_channel", {**values, "strength": ask.settings.strength, "least": ask.settings.least})

    def outside(self, settings: Any) -> Words:
        return _("近 %(n)s 天收到的消息不到 %(least)s 条") % {"n": settings.window_days, "least": settings.least}

    def told(self, settings: Any, edges: Mapping[str, Any]) -> list[tuple[Words, Words]]:
        labels = {number: carrier.label for carrier, number in CARRIERS.items()}
        rows: list[tuple[Words, Words]] = []
        for carrier, sent, rate in zip(edges.get("carriers", []), edges.get("sent", []), edges.get("rates", []), strict=True):
            said = _("全池回应率 %(rate)s，%(sent)s 条") % {
                "rate": formats.percent(rate / MILLION, 1),
                "sent": formats.full(sent),
            }
            rows.append((labels[carrier], said))
        return rows or [(gettext_lazy("窗口内还没有发出过消息"), "")]


def _carrier(connector: Connector) -> Consent.Carrier:
    return Consent.Carrier(connector.carrier)


def _address(connector: Connector) -> str:
    return CONNECTORS[connector.key].caps.address
