"""The generated pool that measurements share: made once per size, then found again."""

from datetime import UTC, datetime
from typing import Any

AS_OF = datetime(2026, 11, 1, 19, 10, tzinfo=UTC)  # ten past three in Shanghai


def pool(members: int, orders: int, *, tags: float = 10, events: float = 30, **plan: Any) -> Any:
    """A pool of this size with paid orders, tags and events (a member, on average), consents and state as of AS_OF."""
    from members import generating
    from members.models import Pool
    from segmentation.recalculation import services

    slug = f"bench-{members}-{orders}-{tags:g}-{events:g}"
    found, made = Pool.objects.get_or_create(slug=slug, defaults={"name": f"{members:,} / {orders:,}"})
    if made:
        try:
            print(f"generating {members:,} members and {orders:,} orders …", flush=True)
            wanted = generating.Plan(members=members, orders=orders, as_of=AS_OF, tags=tags, events=events, **plan)
            generating.generate(pool=found, plan=wanted)
            generating.tidy()
        except BaseException:
            Pool.objects.filter(pk=found.pk).update(slug=f"broken-{found.pk}")
            raise
        services.recalculate(pool=found, as_of=AS_OF)
    return found


def with_lines(members: int, orders: int) -> Any:
    """The same pool, its orders split into lines the first time somebody wants them."""
    from members import generating
    from members.models import OrderLine

    found = pool(members, orders)
    if not OrderLine.objects.filter(pool=found).exists():
        print(f"splitting {orders:,} orders into lines …", flush=True)
        generating.split(pool=found, as_of=AS_OF)
        generating.tidy()
    return found
