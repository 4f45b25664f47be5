"""Which facts schemes count, of those that touch members only where somebody does: a mailing concerns very many at once."""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from members import touching
from members.models import Pool
from segmentation.models import Scheme
from segmentation.recalculation import settings
from segmentation.standings.families import family, is_known


@touching.reader
def followed(pool_id: int) -> set[str]:
    """What the pool's schemes count, by the settings people want and by those the last full run applied."""
    active = Scheme.objects.filter(pool=pool_id, is_active=True).values_list("family", "settings", "applied")
    return {fact for key, *both in active for given in both if is_known(key) for fact in _of(key, given)}


@touching.reader
def paced(pool_id: int) -> set[str]:
    """Stages by the rhythm of what a member mostly buys look at goods."""
    pool = Pool.objects.filter(pk=pool_id).only("settings").first()
    return {touching.GOODS} if pool and settings.of(pool).lifecycle.mode == "category" else set()


def _of(key: str, given: dict[str, Any] | None) -> Iterator[str]:
    if given is not None:
        try:
            yield from family(key).follows(family(key).settings.model_validate(given))
        except ValidationError:
            return  # such a scheme is not computed either
