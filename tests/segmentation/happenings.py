"""What may happen to the members of a pool between two minutes, written as the services leave it behind.

Facts come late, lie a little ahead, are taken back or move to another member; whoever is concerned is touched.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from members.communities import services as groups
from members.models import (
    AttributeField,
    Community,
    CommunityEvent,
    CommunityMember,
    Event,
    Member,
    MemberStanding,
    Order,
    OrderLine,
    Pool,
    Product,
    StateChange,
    Store,
    TouchedMember,
)
from tests import factories
from touchpoints.models import Connector, Delivery, Step

CITIES, STORES = ("上海", "北京", ""), ("SH1", "BJ1", "")
KINDS = ("order", "order", "order", "event", "event", "event", "refund", "vanish", "back", "merge")
KINDS += ("sent", "sent", "sent", "answered", "answered", "group", "group", "spoke", "profile", "reached", "line")


What = tuple[str, int, int, int, int]


def happenings(random: Random, people: int, n: int) -> list[What]:
    """(kind, member, age in days or, below none, how far ahead in steps of five hours, amount or kind of event, which)"""
    return [
        (random.choice(KINDS), random.randrange(people), random.randint(-6, 22), random.randint(1, 12), random.randint(0, 12))
        for _ in range(n)
    ]


def furnish(pool: Pool) -> None:
    """What facts refer to: stores, goods, a group, accounts to write from, a field of the pool's own."""
    before = factories.LONG_AGO
    for code, city in zip(STORES[:2], CITIES, strict=False):
        Store.objects.create(pool=pool, code=code, name=code, city=city, created_at=before)
    for n in range(3):
        factories.product(pool, f"S{n}", category=f"C{n}")
    Community.objects.create(pool=pool, external_id="g", name="群", created_at=before)
    Connector.objects.create(pool=pool, key="fake", name="M", config={"carrier": "sms"})
    Connector.objects.create(pool=pool, key="email_smtp", name="E", config={"carrier": "email"})
    AttributeField.objects.create(pool=pool, key="worth", label="身价", kind="number")


class World:
    """The people of a pool and what has happened to them."""

    def __init__(self, pool: Pool, people: int) -> None:
        self.pool, self.number = pool, 0
        self.people = [factories.member(pool, f"M{n}", city=CITIES[n % 3]).pk for n in range(people)]
        self.products = list(Product.objects.filter(pool=pool).order_by("sku"))
        self.connectors = list(Connector.objects.filter(pool=pool).order_by("key"))
        self.group = Community.objects.get(pool=pool)

    def happen(self, now: datetime, what: What) -> None:
        """One of KINDS."""
        kind, who, age, amount, which = what
        self.number += 1
        member = Member.objects.get(pk=self.people[who])
        found = None
        if kind == "answered":
            found = self._answered(now, amount, which)
        elif kind in ("refund", "vanish", "back", "line"):
            found = self._to_orders(kind, which)
        elif member.merged_into is None:
            act: Callable[..., Any] = getattr(self, f"_{kind}")
            at = now - (timedelta(days=age) if age >= 0 else timedelta(hours=5 * age))
            found = act(member, at, now, amount, which) or member
        for one in {found, member} - {None}:
            TouchedMember.objects.get_or_create(member=one, defaults={"pool": self.pool})

    def bought(self, member: Member, at: datetime, amount: int, which: int) -> None:
        """An order of one product in some store."""
        self.number += 1
        order = factories.order(member, f"N{self.number}", at, amount * 100, store=STORES[which % 3])
        factories.line(order, 1, self.products[amount % 3], amount * 100)

    # -- One each ----------------------------------------------------------------------------------
    def _order(self, member: Member, at: datetime, now: datetime, amount: int, which: int) -> None:
        self.bought(member, at, amount, which)

    def _event(self, member: Member, at: datetime, now: datetime, amount: int, which: int) -> None:
        kind = ("view", "search")[which % 2]
        factories.event(
            member, self.number, at - timedelta(minutes=which), kind, city=CITIES[amount % 3], words="酒店" * (amount % 2)
        )

    def _to_orders(self, kind: str, which: int) -> Member | None:
        """An order is refunded, gone, paid after all, or its lines come late."""
        orders = list(Order.objects.filter(pool=self.pool).order_by("number"))
        if not orders:
            return None
        order = orders[which % len(orders)]
        member = order.member
        if kind == "vanish":
            OrderLine.objects.filter(member=member, order_id=order.id).delete()
            order.delete()
        elif kind == "line":
            number = 1 + OrderLine.objects.filter(member=member, order_id=order.id).count()
            factories.line(order, number, self.products[which % 3], 50)
        else:
            Order.objects.filter(pk=order.pk).update(status=Order.Status.REFUNDED if kind == "refund" else Order.Status.PAID)
        return member

    def _sent(self, member: Member, at: datetime, now: datetime, amount: int, which: int) -> None:
        connector = self.connectors[which % 2]
        step = Step.objects.create(pool=self.pool, source=f"t:{self.number}", connector=connector, due_at=at)
        sent = min(at, now)
        arrived = sent + timedelta(hours=1) if amount % 3 and sent + timedelta(hours=1) <= now else None
        Delivery.objects.create(
            member=member, step=step, pool=self.pool, status=40, next_at=sent, sent_at=sent, delivered_at=arrived
        )

    def _answered(self, now: datetime, amount: int, which: int) -> Member | None:
        found = list(Delivery.objects.filter(pool=self.pool).order_by("-sent_at", "step_id"))
        if not found:
            return None
        delivery = found[which % len(found)]
        then = min(now, delivery.sent_at + timedelta(hours=5 * which))
        said = {"opened_at": then, "status": 60} | ({"clicked_at": then, "status": 70} if amount % 2 else {})
        Delivery.objects.filter(pk=delivery.pk).update(delivered_at=delivery.delivered_at or then, **said)
        return delivery.member

    def _group(self, member: Member, at: datetime, now: datetime, amount: int, which: int) -> None:
        """Comes or goes."""
        self._told(member, at, CommunityEvent.Kind.LEAVE if which % 3 == 0 else CommunityEvent.Kind.JOIN)
        groups.after_merge(members=[member.pk])

    def _spoke(self, member: Member, at: datetime, now: datetime, amount: int, which: int) -> None:
        self._told(member, at - timedelta(minutes=which), CommunityEvent.Kind.MESSAGE)

    def _told(self, member: Member, at: datetime, kind: int) -> None:
        CommunityEvent.objects.create(member=member, community=self.group, at=at, id=self.number, kind=kind)

    def _profile(self, member: Member, at: datetime, now: datetime, amount: int, which: int) -> None:
        worth = {"worth": amount * 7} if which % 4 else {}
        Member.objects.filter(pk=member.pk).update(city=CITIES[which % 3], attributes=worth)

    def _reached(self, member: Member, at: datetime, now: datetime, amount: int, which: int) -> None:
        factories.identity(member, "email", f"m{self.number}@x.cn")

    def _merge(self, member: Member, at: datetime, now: datetime, amount: int, which: int) -> Any:
        """As merging does: facts move, what was computed of the loser is set aside, the winner is touched."""
        winner = Member.objects.filter(pool=self.pool, merged_into=None).exclude(pk=member.pk).first()
        if which > 3 or winner is None:
            return None
        for model in (Order, OrderLine, Event, Delivery, CommunityEvent):
            for row in list(model.objects.filter(member=member)):
                model.objects.filter(pk=row.pk).update(member=winner)
        member.identities.update(member=winner)
        CommunityMember.objects.filter(member=member).delete()
        groups.after_merge(members=[winner.pk])
        MemberStanding.objects.filter(member=member).delete()
        StateChange.objects.filter(member=member).delete()
        Member.objects.filter(pk=member.pk).update(merged_into=winner.pk)
        return winner
