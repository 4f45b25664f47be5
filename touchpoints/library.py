"""The content library: what messages say, checked when it is saved."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from members.models import Consent, Member, Pool
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User
from touchpoints.connectors.registry import CONNECTORS
from touchpoints.fields import FIELDS
from touchpoints.models import Content, Delivery
from touchpoints.placeholders import Invalid
from touchpoints.rendering import Compiled, compile_content


@dataclass(frozen=True)
class Preview:
    """A content as somebody would get it."""

    subject: str
    text: str
    html: str


@transaction.atomic
def save_content(
    *,
    pool: Pool,
    carrier: str,
    name: str,
    body: str,
    subject: str = "",
    link: str = "",
    obstacle: str = "",
    content: Content | None = None,
    actor: User | None = None,
) -> Content:
    """Save a content. One that messages already use is left as it is and a new row is made."""
    values = {"name": name.strip(), "subject": subject, "body": body, "link": link.strip(), "obstacle": obstacle}
    _check(pool, carrier, values)
    if content is None or is_used(content):
        content = Content(pool=pool, carrier=carrier)
    for key, value in values.items():
        setattr(content, key, value)
    content.carrier = carrier
    content.save()
    audit(actor=actor, action="content.save", target=content, pool_id=pool.pk, name=content.name)
    return content


def is_used(content: Content) -> bool:
    """Whether deliveries were planned with this content."""
    return Delivery.objects.filter(content=content, pool_id=content.pool_id).exists()


def _check(pool: Pool, carrier: str, values: dict[str, str]) -> None:
    fields: dict[str, list[str]] = {}
    if not values["name"]:
        fields["name"] = [_("请填写名称")]
    if carrier not in Consent.Carrier.values:
        fields["carrier"] = [_("没有这种渠道")]
    if not values["body"].strip():
        fields["body"] = [_("请填写正文")]
    if values["link"]:
        fields |= _link_problems(values["link"])
    fields |= _language_problems(pool, values)
    for key, kind in CONNECTORS.items():
        if kind.caps.carrier == carrier and key != "fake":
            for problem in kind({}, {}, connector_id=0).validate(values["subject"], values["body"]):
                fields.setdefault(problem.field, []).append(problem.message)
    if fields:
        raise Problem("content", next(iter(fields.values()))[0], fields)


def _link_problems(link: str) -> dict[str, list[str]]:
    # Readers follow it, we never call it: any public web address will do, but nothing a browser would run.
    if not link.startswith(("https://", "http://")) or not link.isprintable() or " " in link or len(link) > 500:
        return {"link": [_("链接须以 https:// 或 http:// 开头，最长 500 个字符")]}
    return {}


def _language_problems(pool: Pool, values: dict[str, str]) -> dict[str, list[str]]:
    for key in ("subject", "body"):
        given = {"subject": "", "body": "", "link": values["link"] or "https://x.invalid/"} | {key: values[key]}
        try:
            compile_content(**given, pool_name=pool.name, marketing=True)
        except Invalid as error:
            return {key: [str(error)]}
    if "campaign.link" in values["body"] and not values["link"]:
        return {"link": [_("正文用到了活动链接，请填写链接")]}
    return {}


def compiled(content: Content, *, purpose: str = "marketing") -> Compiled:
    """A content ready to be rendered."""
    return compile_content(
        subject=content.subject,
        body=content.body,
        link=content.link,
        pool_name=content.pool.name,
        marketing=purpose == "marketing",
    )


def sample(
    *, pool: Pool, subject: str, body: str, link: str, as_of: datetime, purpose: str = "marketing", member: Member | None = None
) -> Preview:
    """A text as a member would read it, or the sample member; raises Invalid with the place of a mistake."""
    ready = compile_content(subject=subject, body=body, link=link or "", pool_name=pool.name, marketing=purpose == "marketing")
    row = sample_row(pool, as_of) | (member_row(member) if member else {})
    ready.prepare(row)
    return Preview(ready.subject.render(row), ready.text.render(row), ready.html.render(row))


def sample_row(pool: Pool, as_of: datetime) -> dict[str, Any]:
    """The facts of a member who does not exist, for previews and tests."""
    return {
        **{key: field.sample for key, field in FIELDS.items() if field.load},
        "member_id": 10086,
        "step_id": 0,
        "name": _("王小明"),
        "city": _("上海"),
        "province": _("上海"),
        "order_count": 6,
        "amount_total": 128000,
        "first_order_at": as_of - timedelta(days=400),
        "last_order_at": as_of - timedelta(days=34),
        "now": as_of,
        "zone": pool.zone,
        "pool_name": pool.name,
        "variables": {"campaign.name": _("老客回归"), "coupon.code": "BACK20"},
    }


def member_row(member: Member) -> dict[str, Any]:
    """The facts of one member, as messages read them."""
    state = getattr(member, "state", None)
    loaded = {key: field.load(member.pool_id, [member.pk]).get(member.pk, "") for key, field in FIELDS.items() if field.load}
    return {
        **loaded,
        "member_id": member.pk,
        "name": member.name,
        "city": member.city,
        "province": member.province,
        "order_count": getattr(state, "order_count", 0),
        "amount_total": getattr(state, "amount_total", 0),
        "first_order_at": getattr(state, "first_order_at", None),
        "last_order_at": getattr(state, "last_order_at", None),
    }


__all__ = ["Invalid", "Preview", "compiled", "is_used", "member_row", "sample", "save_content"]
