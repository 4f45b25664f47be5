"""Every write to a draft campaign. What happens after the launch is in launching.py and engine.py."""

from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from campaigns.content import carrier_of
from campaigns.gallery import Template
from campaigns.models import Campaign, Layer
from members.models import Pool
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User
from segmentation.models import Segment
from segmentation.segments import services as segments
from touchpoints.models import Content

MAX_LAYERS = 8
FIELDS = ("name", "note", "segment", "connector", "holdout_percent", "goal_days", "unit_cost", "scheduled_at")


class Closed(Problem):
    """The campaign is past the point where it may be changed: 409."""


def _draft(campaign: Campaign) -> Campaign:
    """The campaign, locked, if it is still a draft; raises Closed."""
    locked = Campaign.objects.select_for_update().get(pk=campaign.pk)
    if not locked.is_draft:
        raise Closed("campaign_launched", _("活动“%(name)s”已发布，不能再修改；可以复制为新活动") % {"name": locked.name})
    return locked


@transaction.atomic
def create(
    *, pool: Pool, actor: User | None, name: str = "", template: Template | None = None, segment: Segment | None = None
) -> Campaign:
    """A draft: empty with one layer for everybody, or filled from a template in the reader's language."""
    campaign = Campaign.objects.create(
        pool=pool,
        actor=actor,
        segment=segment,
        name=(name or (str(template.title) if template else _("新活动")))[:80],
        template=template.key if template else "",
        goal_days=template.goal_days if template else 14,
        holdout_percent=template.holdout_percent if template else 10,
    )
    if template:
        for n, part in enumerate(template.layers):
            _new_layer(campaign, n, name=str(part.name), rule=part.rule, subject=str(part.subject), body=str(part.body))
    else:
        _new_layer(campaign, 0, name=_("所有人"), rule=None)
    audit(actor=actor, action="campaign.create", target=campaign, pool_id=pool.pk, template=campaign.template)
    return campaign


def _new_layer(
    campaign: Campaign, position: int, *, name: str, rule: Any, subject: str = "", body: str = "", link: str = ""
) -> Layer:
    content = Content.objects.create(
        pool_id=campaign.pool_id, carrier="email", name=f"{campaign.name} · {name}"[:80], subject=subject, body=body, link=link
    )
    return Layer.objects.create(campaign=campaign, position=position, name=name[:40], rule=rule, content=content)


@transaction.atomic
def save(*, campaign: Campaign, actor: User | None, **changes: Any) -> Campaign:
    """Change fields of a draft; only what differs is written and audited."""
    draft = _draft(campaign)
    if unknown := set(changes) - set(FIELDS):
        raise ValueError(f"not fields of a draft: {sorted(unknown)}")
    changed = {name: value for name, value in changes.items() if getattr(draft, name) != value}
    for other in ("segment", "connector"):
        if changed.get(other) is not None and changed[other].pool_id != draft.pool_id:
            raise Problem("other_pool", _("只能选择本会员池的分群与连接器"))
    for name, value in changed.items():
        setattr(draft, name, value)
    if changed:
        draft.save(update_fields=[*changed, "updated_at"])
        audit(actor=actor, action="campaign.save", target=draft, pool_id=draft.pool_id, fields=sorted(changed))
    return draft


@transaction.atomic
def add_layer(*, campaign: Campaign, actor: User | None, name: str = "", rule: Any = None, **content: str) -> Layer:
    """One more layer, in front of the layer for everybody else."""
    draft = _draft(campaign)
    layers = list(draft.layers.all())
    if len(layers) >= MAX_LAYERS:
        raise Problem("too_many_layers", _("最多 %(n)s 个分层") % {"n": MAX_LAYERS})
    place = next(
        (layer.position for layer in layers if layer.rule is None), 1 + max((layer.position for layer in layers), default=-1)
    )
    draft.layers.filter(position__gte=place).update(position=F("position") + 1)
    made = _new_layer(draft, place, name=name or _("分层 %(n)s") % {"n": len(layers) + 1}, rule=rule, **content)
    audit(actor=actor, action="campaign.add_layer", target=draft, pool_id=draft.pool_id, layer=made.pk)
    return made


@transaction.atomic
def save_layer(
    *, campaign: Campaign, layer: Layer, actor: User | None, name: str, rule: Any, subject: str, body: str, link: str
) -> Layer:
    """What a layer is called, whom it takes and what it says."""
    draft = _draft(campaign)
    if draft.connector_id and layer.content:
        layer.content.carrier = carrier_of(draft.connector)
    layer.name, layer.rule = name[:40], rule
    layer.content = layer.content or Content(pool_id=draft.pool_id, carrier="email")
    for field, value in {"name": f"{draft.name} · {name}"[:80], "subject": subject, "body": body, "link": link}.items():
        setattr(layer.content, field, value)
    layer.content.save()
    layer.save()
    Campaign.objects.filter(pk=draft.pk).update(updated_at=draft.updated_at)
    audit(actor=actor, action="campaign.save_layer", target=draft, pool_id=draft.pool_id, layer=layer.pk)
    return layer


@transaction.atomic
def remove_layer(*, campaign: Campaign, layer: Layer, actor: User | None) -> None:
    """Take a layer out; the last one stays."""
    draft = _draft(campaign)
    if draft.layers.count() == 1:
        raise Problem("last_layer", _("至少需要一个分层"))
    content, number = layer.content, layer.pk
    layer.delete()
    if content:
        content.delete()
    audit(actor=actor, action="campaign.remove_layer", target=draft, pool_id=draft.pool_id, layer=number)


@transaction.atomic
def move_layer(*, campaign: Campaign, layer: Layer, up: bool, actor: User | None) -> None:
    """Change places with the neighbour: the first layer that fits a member wins."""
    draft = _draft(campaign)
    beside = (
        draft.layers.filter(position__lt=layer.position).last()
        if up
        else draft.layers.filter(position__gt=layer.position).first()
    )
    if beside is None:
        return
    Layer.objects.filter(pk=layer.pk).update(position=beside.position)
    Layer.objects.filter(pk=beside.pk).update(position=layer.position)
    audit(actor=actor, action="campaign.move_layer", target=draft, pool_id=draft.pool_id, layer=layer.pk, up=up)


@transaction.atomic
def clone(*, campaign: Campaign, actor: User | None) -> Campaign:
    """A new draft with the same audience, layers and content; its own salt, no schedule."""
    kept = {name: getattr(campaign, name) for name in FIELDS if name not in ("name", "scheduled_at")}
    name = _("%(name)s（副本）") % {"name": campaign.name[:74]}
    made = Campaign.objects.create(pool=campaign.pool, actor=actor, template=campaign.template, name=name, **kept)
    for layer in campaign.layers.select_related("content"):
        said = {field: getattr(layer.content, field, "") for field in ("subject", "body", "link")}
        _new_layer(made, layer.position, name=layer.name, rule=layer.rule, **said)
    if not made.layers.exists():
        _new_layer(made, 0, name=_("所有人"), rule=None)
    audit(actor=actor, action="campaign.clone", target=made, pool_id=made.pool_id, source=campaign.pk)
    return made


@transaction.atomic
def discard(*, campaign: Campaign, actor: User | None) -> None:
    """Throw a draft away with its content; nothing was ever sent from it."""
    draft = _draft(campaign)
    if draft.runs.exists():
        raise Closed("campaign_has_runs", _("活动有执行记录，不能删除"))
    contents = [layer.content_id for layer in draft.layers.all() if layer.content_id]
    audit(actor=actor, action="campaign.discard", target=draft, pool_id=draft.pool_id, name=draft.name)
    draft.delete()
    Content.objects.filter(pk__in=contents).delete()


def suggested_segment(*, pool: Pool, template: Template, actor: User | None) -> Segment:
    """The segment a template suggests: the pool's one of that name, or a new one by the template's rule."""
    name = str(template.audience.title)[:80]
    known = Segment.objects.filter(pool=pool, name=name, is_archived=False).first()
    return known or segments.save(pool=pool, name=name, rule=template.audience.rule, note=str(template.title), actor=actor)
