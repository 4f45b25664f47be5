"""The generated pool that measurements share: made once per size, then found again."""

from datetime import UTC, datetime
from typing import Any

AS_OF = datetime(2026, 11, 1, 19, 10, tzinfo=UTC)  # ten past three in Shanghai


def pool(members: int, orders: int, *, tags: float = 4, events: float = 2) -> Any:
    """A pool of this size with paid orders, tags and events (a member, on average), consents and state as of AS_OF."""
    from members import generating
    from members.models import Pool
    from segmentation.recalculation import services

    slug = f"bench-{members}-{orders}" + (f"-{tags:g}-{events:g}" if (tags, events) != (4, 2) else "")
    found, made = Pool.objects.get_or_create(slug=slug, defaults={"name": f"{members:,} / {orders:,}"})
    if made:
        try:
            print(f"generating {members:,} members and {orders:,} orders …", flush=True)
            plan = generating.Plan(members=members, orders=orders, as_of=AS_OF, tags=tags, events=events)
            generating.generate(pool=found, plan=plan)
            generating.tidy()
        except BaseException:
            Pool.objects.filter(pk=found.pk).update(slug=f"broken-{found.pk}")
            raise
        services.recalculate(pool=found, as_of=AS_OF)
    return found
