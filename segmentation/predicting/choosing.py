"""What rules offer to choose from of the pool's models: categories, groups, segments that were expanded."""

from collections.abc import Iterable
from typing import Any

from members.models import Pool
from segmentation import choices
from segmentation.models import Predictor, Segment


def items(pool: Pool, key: str) -> list[Any]:
    """What the version whose scores stand calls its codes."""
    found = Predictor.objects.filter(pool=pool, key=key).select_related("version").first()
    return list(found.version.items) if found and found.version else []


def _categories(pool: Pool, q: str, of: tuple[Any, ...], limit: int) -> list[choices.Option]:
    return [(each, each) for each in items(pool, "category") if q.lower() in str(each).lower()][:limit]


def _groups(pool: Pool, q: str, of: tuple[Any, ...], limit: int) -> list[choices.Option]:
    found: list[choices.Option] = [(n, str(each)) for n, each in enumerate(items(pool, "clusters"))]
    return [each for each in found if q.lower() in each[1].lower()][:limit]


def _group_names(pool: Pool, values: Iterable[Any], language: str) -> dict[Any, str]:
    return {n: str(each) for n, each in enumerate(items(pool, "clusters"))}


def _seeds(pool: Pool, q: str, of: tuple[Any, ...], limit: int) -> list[choices.Option]:
    keys = Predictor.objects.filter(pool=pool, key__startswith="lookalike:").values_list("key", flat=True)
    found = Segment.objects.filter(pool=pool, pk__in=[int(key.partition(":")[2]) for key in keys], name__icontains=q)
    return list(found.order_by("name").values_list("pk", "name")[:limit])


def _seed_names(pool: Pool, values: Iterable[Any], language: str) -> dict[Any, str]:
    return dict(Segment.objects.filter(pool=pool, pk__in=list(values)).values_list("pk", "name"))


choices.offer("predicted_categories", _categories, lambda pool, values, language: {each: str(each) for each in values})
choices.offer("behaviour_groups", _groups, _group_names)
choices.offer("lookalikes", _seeds, _seed_names)
