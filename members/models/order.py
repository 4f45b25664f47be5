from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from members.models.member import Member
from members.models.pool import Channel, Pool


class Product(models.Model):
    """What is sold, per pool, by stock-keeping unit."""

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT)
    sku = models.CharField(_("商品编码"), max_length=60)
    name = models.CharField(_("商品名"), max_length=200, blank=True)
    category = models.CharField(_("品类"), max_length=80, blank=True)
    subcategory = models.CharField(_("子品类"), max_length=80, blank=True)
    brand = models.CharField(_("品牌"), max_length=80, blank=True)
    price = models.BigIntegerField(_("标价"), null=True)  # minor units

    class Meta:
        verbose_name = _("商品")
        constraints = [models.UniqueConstraint(fields=["pool", "sku"], name="one_product_per_sku")]
        indexes = [models.Index(fields=["pool", "category"], name="product_category")]

    def __str__(self) -> str:
        return self.name or self.sku


class Order(models.Model):
    """One order of one member, in minor units.

    `id` is `order_key(pool, channel, number)` (a 64-bit hash computed by the database), so that an
    order and its lines have the same id whichever arrives first and however often.
    """

    class Status(models.IntegerChoices):
        PAID = 1, _("已支付")
        REFUNDED = 2, _("已退款")
        CANCELLED = 3, _("已取消")
        PENDING = 4, _("待支付")

    pk = models.CompositePrimaryKey("member_id", "id")
    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="orders", db_index=False)
    id = models.BigIntegerField()
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    number = models.CharField(_("订单号"), max_length=60)
    status = models.SmallIntegerField(_("状态"), choices=Status.choices, default=Status.PAID)
    placed_at = models.DateTimeField(_("下单时间"))
    amount = models.BigIntegerField(_("实付金额"))
    discount = models.BigIntegerField(_("优惠金额"), default=0)
    shipping = models.BigIntegerField(_("运费"), default=0)
    refunded = models.BigIntegerField(_("退款金额"), default=0)
    net_amount = models.GeneratedField(
        expression=F("amount") - F("refunded"), output_field=models.BigIntegerField(), db_persist=True
    )
    store = models.CharField(_("门店"), max_length=40, blank=True)
    status_at = models.DateTimeField(_("状态时间"), null=True)  # as of when the status is known
    refunded_at = models.DateTimeField(_("退款时间"), null=True)

    class Meta:
        verbose_name = _("订单")
        indexes = [
            # Recalculation is an index-only scan of this one, member by member.
            models.Index(
                "pool",
                "member_id",
                "placed_at",
                include=["net_amount"],
                condition=models.Q(status=1),
                name="order_paid_cov",
            ),
            # Rules, charts and habits ask for what was paid in a window, wherever its members' rows lie.
            models.Index(
                "pool",
                "placed_at",
                include=["member", "net_amount", "discount", "channel"],
                condition=models.Q(status=1),
                name="order_paid_time",
            ),
            models.Index(fields=["id"], name="order_key"),
            BrinIndex(fields=["placed_at"], name="order_placed_brin", pages_per_range=32),
        ]

    def __str__(self) -> str:
        return self.number


class OrderLine(models.Model):
    """One line of an order. Amounts are what was paid for the line, in minor units."""

    pk = models.CompositePrimaryKey("member_id", "order_id", "n")
    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="order_lines", db_index=False)
    order_id = models.BigIntegerField()
    n = models.IntegerField()
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, db_index=False)
    quantity = models.IntegerField(_("数量"), default=1)
    amount = models.BigIntegerField(_("金额"))
    discount = models.BigIntegerField(_("优惠金额"), default=0)

    class Meta:
        verbose_name = _("订单行")
        # product first: "bought category X" reads only its lines
        indexes = [models.Index(fields=["product", "member"], name="line_product_member")]

    def __str__(self) -> str:
        return f"{self.order_id}/{self.n}"


class Refund(models.Model):
    """One refund as its platform reports it. Keyed by the order, which may not have arrived yet: then it waits for it.

    Deliberately without a member: who bought is the order's to say, so merging has nothing to move.
    """

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, db_index=False)
    order_id = models.BigIntegerField()  # order_key(pool, channel, number)
    number = models.CharField(_("退款编号"), max_length=60, blank=True)
    amount = models.BigIntegerField(_("退款金额"))
    at = models.DateTimeField(_("退款时间"), null=True)
    run_id = models.BigIntegerField(null=True)  # the import that brought it

    class Meta:
        verbose_name = _("退款")
        constraints = [models.UniqueConstraint(fields=["pool", "order_id", "number"], name="one_refund_per_number")]

    def __str__(self) -> str:
        return f"{self.order_id} {self.number}"
