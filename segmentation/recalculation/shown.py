"""What recalculation announces: who went which way, and lead stages, as filters of the member list."""

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy

from members import filters
from members.models import Pool
from members.models.state import LeadStage
from segmentation.recalculation import charts, moves  # noqa: F401  (charts announce themselves)


def _leads(_pool: Pool) -> list[tuple[Any, Any]]:
    return list(LeadStage.choices)


def _at(values: list[str]) -> Q:
    return Q(state__lead__in=[int(value) for value in values])


filters.register("went", gettext_lazy("迁移"), moves.movers, moves.say_movers)
filters.offer(lambda _pool: [filters.Choice("lead", gettext_lazy("潜客阶段"), _leads, _at, group="state")])
