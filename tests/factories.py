"""Small hand-made rows for tests. Scale comes from `manage.py generate`, not from here."""

from datetime import UTC, datetime, timedelta
from typing import Any

from members.models import Channel, Event, Identity, Member, Order, OrderLine, Pool, PoolAccess, Product
from scrm.lib import crypto, sql
from scrm.staff.models import User

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def pool(slug: str, name: str, **fields: Any) -> Pool:
    return Pool.objects.create(slug=slug, name=name, **fields)


def user(name: str, pool: Pool | None, role: str) -> User:
    made = User.objects.create_user(username=f"{name}-{pool.slug}" if pool else name, password="right horse", display_name=name)
    if pool:
        PoolAccess.objects.create(user=made, pool=pool, role=role)
    return made


def member(pool: Pool, name: str, *, phone: str = "", email: str = "", card: str = "", **fields: Any) -> Member:
    (number,) = sql.next_ids("members_member_id_seq", 1)
    fields = {"joined_at": LONG_AGO, "updated_at": LONG_AGO, **fields}
    made = Member.objects.create(id=number, pool=pool, name=name, **fields)
    for kind, value in (("phone", phone), ("email", email), ("card_no", card)):
        if value:
            identity(made, kind, value)
    return made


def identity(member: Member, kind: str, value: str) -> Identity:
    """As an import writes it: sealed when sensitive, found by its fingerprint."""
    secret = kind in Identity.SENSITIVE
    return Identity.objects.create(
        pool_id=member.pool_id,
        kind=kind,
        value_hash=crypto.fingerprint(f"{kind}:{value}"),
        member=member,
        value="" if secret else value,
        sealed=crypto.encrypt(value, kind) if secret else None,
        hint=f"{value[:3]}****{value[-4:]}" if secret else value,
        tail=value[-4:] if kind == "phone" else "",
        seen_at=LONG_AGO,
    )


def order(member: Member, number: str, placed_at: datetime, amount: int, *, channel: str = "pos", **fields: Any) -> Order:
    where = Channel.objects.get(code=channel)
    ((key,),) = sql.fetch(
        "SELECT order_key(%(pool)s, %(channel)s, %(number)s)", {"pool": member.pool_id, "channel": where.pk, "number": number}
    )
    return Order.objects.create(
        member=member, id=key, pool_id=member.pool_id, channel=where, number=number, placed_at=placed_at, amount=amount, **fields
    )


def event(member: Member, number: int, occurred_at: datetime, kind: str = "view", **properties: Any) -> Event:
    return Event.objects.create(
        member=member, occurred_at=occurred_at, id=number, pool_id=member.pool_id, kind=kind, properties=properties
    )


def product(pool: Pool, sku: str, **fields: Any) -> Product:
    return Product.objects.create(pool=pool, sku=sku, **fields)


def line(order: Order, n: int, product: Product, amount: int, **fields: Any) -> OrderLine:
    return OrderLine.objects.create(
        member_id=order.member_id, order_id=order.id, n=n, pool_id=order.pool_id, product=product, amount=amount, **fields
    )


def days_before(instant: datetime, days: float) -> datetime:
    return instant - timedelta(days=days)
