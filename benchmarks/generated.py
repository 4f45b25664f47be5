"""The generated pool that measurements share: made once per size, then found again."""

from datetime import UTC, datetime
from typing import Any

AS_OF = datetime(2026, 11, 1, 19, 10, tzinfo=UTC)  # ten past three in Shanghai


def pool(members: int, orders: int) -> Any:
    """A pool of this size with paid orders, tags, consents and state as of AS_OF."""
    from members import generating
    from members.models import Pool
    from segmentation.recalculation import services

    found, made = Pool.objects.get_or_create(slug=f"bench-{members}-{orders}", defaults={"name": f"{members:,} / {orders:,}"})
    if made:
        try:
            print(f"generating {members:,} members and {orders:,} orders …", flush=True)
            generating.generate(pool=found, plan=generating.Plan(members=members, orders=orders, as_of=AS_OF))
            generating.tidy()
        except BaseException:
            Pool.objects.filter(pk=found.pk).update(slug=f"broken-{found.pk}")
            raise
        services.recalculate(pool=found, as_of=AS_OF)
    return found
