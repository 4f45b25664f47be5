"""What a layer says: checked against the connector, rendered for a sample member."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from campaigns.models import Campaign, Layer
from members.models import Member, MemberState
from touchpoints import rendering
from touchpoints.connectors.registry import opened
from touchpoints.models import Connector
from touchpoints.placeholders import Invalid

PIXEL = re.compile(r"<img [^>]*>")


def carrier_of(connector: Connector | None) -> str:
    """The kind of message channel a connector writes to."""
    return connector.carrier if connector else "email"


def problems_of(campaign: Campaign, layer: Layer) -> list[str]:
    """Why a layer's content could not be sent: its placeholders, and what the provider refuses."""
    content = layer.content
    if content is None or not content.body.strip():
        return []
    try:
        rendering.compile_content(
            subject=content.subject, body=content.body, link=content.link, pool_name=campaign.pool.name, marketing=True
        )
    except Invalid as error:
        return [str(error)]
    if campaign.connector is None:
        return []
    account = opened(campaign.connector)
    try:
        return [problem.message for problem in account.validate(content.subject, content.body)]
    finally:
        account.close()


@dataclass(frozen=True)
class Sample:
    """A layer's message as one member would read it."""

    layer: str
    member_id: int
    name: str
    subject: str
    text: str
    html: str
    fault: str = ""


def row_of(campaign: Campaign, member: Member, as_of: datetime) -> dict[str, Any]:
    """What placeholders read of a member; the links of a sample lead nowhere (step 0)."""
    state = MemberState.objects.filter(member=member).first()
    computed = ("order_count", "amount_total", "first_order_at", "last_order_at")
    return {
        "member_id": member.pk, "step_id": 0, "name": member.name, "city": member.city, "province": member.province,
        **{column: getattr(state, column, None) for column in computed},
        "pool_name": campaign.pool.name, "zone": campaign.pool.zone, "now": as_of, "variables": {"campaign.name": campaign.name},
    }  # fmt: skip


def sample(campaign: Campaign, layer: Layer, member_id: int, as_of: datetime) -> Sample | None:
    """A layer's content rendered for one member of the pool; its mistake in words when it has one."""
    member = Member.objects.filter(pool=campaign.pool, pk=member_id).first()
    if member is None or layer.content is None:
        return None
    content = layer.content
    try:
        ready = rendering.compile_content(
            subject=content.subject, body=content.body, link=content.link, pool_name=campaign.pool.name, marketing=True
        )
    except Invalid as error:
        return Sample(layer.name, member.pk, str(member), content.subject, content.body, "", fault=str(error))
    row = row_of(campaign, member, as_of)
    for field in ready.loaders():
        row[field.key] = field.load(campaign.pool_id, [member.pk]).get(member.pk, "") if field.load else ""
    ready.prepare(row)
    # A look at a sample must not count as an opening.
    page = PIXEL.sub("", ready.html.render(row))
    return Sample(layer.name, member.pk, str(member), ready.subject.render(row), ready.text.render(row), page)
