"""What the demo pool knows of its members: schemes, tags from the gallery, models that are switched on."""

from typing import Any

from members.models import Pool
from scrm.lib import clock
from segmentation.models import Scheme
from segmentation.predicting import services as predicting
from segmentation.standings import services as standings
from segmentation.tagging import fitting

# Orders are all the past has, so what counts is orders; events and messages come with use.
SCHEMES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("value", "价值层", {"measure": "window", "window_days": 365}),
    ("aipl", "AIPL", {}),
    ("usage", "用户状态", {"sources": ["order", "event"], "window_days": 60, "lookback_days": 240}),
    ("ladder", "复购阶梯", {}),
    ("score", "权重分", {}),
    ("rfm", "RFM（近 90 天）", {"window_days": 90}),
    ("preferred_hour", "偏好时段", {}),
)
RECIPES = ("has_child", "pet_owner", "price_band", "weekend_shopper", "night_owl", "discount_habit", "brand_loyal", "fresh")
MODELS = ("purchases", "ltv", "next", "churn", "halving")


def schemes(pool: Pool) -> None:
    """Before the states of the past are computed, so that they have a past, too."""
    known = set(Scheme.objects.filter(pool=pool).values_list("name", flat=True))
    for family, name, settings in SCHEMES:
        if name not in known:
            standings.save(pool=pool, family=family, name=name, settings=settings, actor=None)


def tags(pool: Pool) -> None:
    """Ready rules that fit what the retailer sells; a worker puts them on."""
    for fit in fitting.fits(pool):
        if fit.recipe.key in RECIPES and fit.applies and not fit.installed:
            fitting.install(pool=pool, key=fit.recipe.key, actor=None, as_of=clock.now())


def models(pool: Pool) -> None:
    """A worker trains them."""
    for key in MODELS:
        predicting.switch(predictor=predicting.predictor_of(pool=pool, key=key), on=True, actor=None)
