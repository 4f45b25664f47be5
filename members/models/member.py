from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Func
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from members.models.pool import Channel, Pool
from members.models.store import Store


class Member(models.Model):
    """A person we had any contact with. Ids come from `members_member_id_seq`, below 2³²."""

    class Status(models.IntegerChoices):
        LEAD = 1, _("潜客")
        MEMBER = 2, pgettext_lazy("status", "会员")

    class Gender(models.IntegerChoices):
        UNKNOWN = 0, _("未知")
        MALE = 1, _("男")
        FEMALE = 2, _("女")

    id = models.BigIntegerField(primary_key=True)
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT)
    status = models.SmallIntegerField(_("身份"), choices=Status.choices, default=Status.MEMBER)
    name = models.CharField(_("姓名"), max_length=80, blank=True)
    gender = models.SmallIntegerField(_("性别"), choices=Gender.choices, default=Gender.UNKNOWN)
    birthday = models.DateField(_("生日"), null=True, blank=True)
    province = models.CharField(_("省份"), max_length=30, blank=True)
    city = models.CharField(_("城市"), max_length=30, blank=True)
    attributes = models.JSONField(_("其他资料"), default=dict)  # age band, income, household size …
    channel = models.ForeignKey(Channel, null=True, on_delete=models.PROTECT, verbose_name=_("来源渠道"))
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, db_constraint=False)
    store = models.ForeignKey(
        Store, null=True, blank=True, on_delete=models.SET_NULL, db_constraint=False, db_index=False, verbose_name=_("归属门店")
    )
    joined_at = models.DateTimeField(_("加入时间"))
    merged_into = models.BigIntegerField(null=True, blank=True)
    is_demo = models.BooleanField(default=False)
    updated_at = models.DateTimeField()
    # Field -> [a channel's number or "staff", when]; what is not named came with the member (members.oneid.precedence).
    sources = models.JSONField(null=True)

    class Meta:
        verbose_name = _("会员")
        indexes = [
            models.Index(fields=["pool", "id"], name="member_live", condition=models.Q(merged_into__isnull=True)),
            models.Index(fields=["pool", "-joined_at", "-id"], name="member_joined"),
            models.Index(fields=["pool", "province", "city"], name="member_place"),
            models.Index(fields=["store", "id"], name="member_store", condition=models.Q(store__isnull=False)),
            # One and two characters at a time: Chinese names are too short for trigrams.
            GinIndex(Func(F("name"), function="name_grams"), name="member_name_grams"),
        ]

    def __str__(self) -> str:
        return self.name or str(_("未填姓名"))


class Identity(models.Model):
    """The registry of who is who: one channel id leads to one member of the pool."""

    class Kind(models.TextChoices):
        PHONE = "phone", _("手机号")
        EMAIL = "email", _("邮箱")
        UNIONID = "unionid", _("UnionID")
        OPENID = "openid", _("OpenID")
        EXTERNAL = "external_userid", _("企微客户")
        TMALL = "tmall_nick", _("天猫昵称")
        JD = "jd_pin", _("京东账号")
        CARD = "card_no", _("会员卡号")
        MEITUAN = "meituan_id", _("美团用户")
        ELEME = "eleme_id", _("饿了么用户")
        DOUYIN = "douyin_id", _("抖音用户")
        ALLIANCE = "alliance_id", _("联盟会员号")
        DEVICE = "device_id", _("设备号")
        VISITOR = "visitor_id", _("网站访客")

    # What an outsider knows somebody by; the ids of platforms mean nothing outside of them.
    SENSITIVE = (Kind.PHONE, Kind.EMAIL, Kind.TMALL, Kind.JD)
    WEAK = (Kind.DEVICE, Kind.VISITOR)  # things, not people: members.identities has the rules of each kind
    STRONG = tuple(kind for kind in Kind if kind not in ("device_id", "visitor_id"))

    pk = models.CompositePrimaryKey("pool", "kind", "value_hash")
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    value_hash = models.BinaryField(max_length=16)  # crypto.fingerprint("phone:13800000000")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, db_constraint=False, related_name="identities")
    value = models.CharField(max_length=120, blank=True)  # plain text of kinds that are not sensitive
    sealed = models.BinaryField(null=True)  # encrypted text of those that are
    hint = models.CharField(max_length=40, blank=True)  # what may be shown: 138****1234
    tail = models.CharField(max_length=8, blank=True)  # a phone's last four digits, for search
    channel = models.ForeignKey(Channel, null=True, on_delete=models.PROTECT)
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("身份标识")
        indexes = [
            models.Index(fields=["member"], name="identity_member"),
            models.Index(fields=["pool", "tail"], name="identity_tail", condition=~models.Q(tail="")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.hint or self.value}"
