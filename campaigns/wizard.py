"""The way to a campaign: gallery, five steps that save themselves, layers with a live preview."""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from campaigns import forms, presets, services
from campaigns.acts import act, find, refusal
from campaigns.assignment import TREATED
from campaigns.audience import Audience, freeze
from campaigns.checks import STEPS, blocking, gaps
from campaigns.content import problems_of, sample
from campaigns.gallery import templates
from campaigns.models import Campaign, Layer
from campaigns.pages import shared
from scrm.lib import clock
from scrm.lib.problems import Problem
from scrm.staff.access import allow
from segmentation.models import Segment
from segmentation.segments.queries import sentence_of
from touchpoints.fields import FIELDS

LABELS = {
    "audience": gettext_lazy("目标与人群"), "content": gettext_lazy("分层与内容"), "control": gettext_lazy("对照组与成本"),
    "channel": gettext_lazy("渠道与时间"), "review": gettext_lazy("试运行与发布"),
}  # fmt: skip


def _segment(request: HttpRequest) -> Segment | None:
    asked = request.GET.get("segment") or request.POST.get("segment") or ""
    rows = Segment.objects.filter(pool=request.pool, is_archived=False)  # type: ignore[attr-defined]
    return rows.filter(pk=int(asked)).first() if asked.isdecimal() and len(asked) < 18 else None


@allow("campaigns.edit")
def gallery(request: HttpRequest) -> HttpResponse:
    """Start from a template or from nothing."""
    pool = request.pool  # type: ignore[attr-defined]
    found = [{"made": made, "audience": sentence_of(pool, made.audience.rule)} for made in templates().values()]
    return render(request, "campaigns/gallery.html", {"templates": found, "segment": _segment(request)})


@allow("campaigns.edit")
@require_POST
def start(request: HttpRequest, key: str) -> HttpResponse:
    """Make the draft; a template's suggested audience becomes a segment when asked for."""
    template = templates().get(key)
    if template is None and key != "blank":
        raise Http404("no such template")
    segment = _segment(request)
    if segment is None and template is not None:
        segment = services.suggested_segment(pool=request.pool, template=template, actor=request.user)  # type: ignore[attr-defined, arg-type]
    made = services.create(pool=request.pool, actor=request.user, template=template, segment=segment)  # type: ignore[attr-defined, arg-type]
    return redirect("campaigns:step", pk=made.pk, step=STEPS[0])


def _fresh(campaign: Campaign) -> Campaign:
    return Campaign.objects.select_related("pool", "segment__pool", "connector", "actor").get(pk=campaign.pk)


def _aside(request: HttpRequest, campaign: Campaign, as_of: datetime, **more: Any) -> dict[str, Any]:
    """The column beside every step: the audience now, what is missing, when it was saved."""
    campaign = _fresh(campaign)
    missing = gaps(campaign, as_of, problems_of)
    return {
        **shared(request, campaign),
        "missing": missing,
        "blocked": bool(blocking(missing)),
        "audience": _sizes(campaign, as_of),
        "now": as_of,
        **more,
    }


def _sizes(campaign: Campaign, as_of: datetime) -> Audience | None:
    if campaign.segment is None:
        return None
    try:
        return freeze(campaign, list(campaign.layers.all()), as_of)
    except Problem:  # it stands among what is missing
        return None


def _form(campaign: Campaign, step: str, as_of: datetime, data: Any = None) -> Any:
    """The form of a step, bound when there is data."""
    pool = campaign.pool
    if step == "audience":
        return forms.AudienceForm(data, initial=forms.audience_start(campaign), pool=pool)
    if step == "control":
        return forms.ControlForm(data, initial=forms.control_start(campaign))
    if step == "channel":
        return forms.ChannelForm(data, initial=forms.channel_start(campaign), pool=pool, as_of=as_of)
    return None


def _changes(step: str, given: dict[str, Any]) -> dict[str, Any]:
    """What a step's form means for the campaign."""
    if step == "control":
        return {"holdout_percent": given["holdout_percent"], "unit_cost": int(given["cost"] * 100)}
    if step == "channel":
        return {"connector": given["connector"], "scheduled_at": given.get("scheduled_at")}
    return {name: given[name] for name in ("name", "note", "segment", "goal_days")}


@allow("campaigns.edit")
def edit(request: HttpRequest, pk: int, step: str = STEPS[0]) -> HttpResponse:
    """One step. A POST saves it; from htmx it answers with the column beside, else goes on to the next step."""
    campaign, as_of = find(request, pk), clock.now()
    if step not in STEPS:
        raise Http404("no such step")
    if not campaign.is_draft:
        closed = services.Closed(
            "campaign_launched", _("活动“%(name)s”已发布，不能再修改；可以复制为新活动") % {"name": campaign.name}
        )
        return refusal(request, campaign, closed)
    form = _form(campaign, step, as_of, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form is not None and (answer := _saved(request, campaign, step, form, as_of)):
        return answer
    return render(request, "campaigns/wizard.html", _page(request, campaign, step, form, as_of))


def _saved(request: HttpRequest, campaign: Campaign, step: str, form: Any, as_of: datetime) -> HttpResponse | None:
    htmx = getattr(request, "htmx", False)
    if form.is_valid():
        try:
            campaign = services.save(campaign=campaign, actor=request.user, **_changes(step, form.cleaned_data))  # type: ignore[arg-type]
        except Problem as problem:
            return refusal(request, campaign, problem)
        if not htmx:
            following = STEPS[min(STEPS.index(step) + 1, len(STEPS) - 1)]
            return redirect("campaigns:step", pk=campaign.pk, step=following if "next" in request.POST else step)
    if not htmx:
        return None
    context = _aside(request, campaign, as_of, step=step, saved=form.is_valid(), faults=form.errors, form=form)
    return render(request, "campaigns/wizard.html#aside", context)


def _page(request: HttpRequest, campaign: Campaign, step: str, form: Any, as_of: datetime) -> dict[str, Any]:
    links = [(LABELS[name], reverse("campaigns:step", args=[campaign.pk, name])) for name in STEPS]
    here = STEPS.index(step)
    context = _aside(request, campaign, as_of, step=step, form=form, steps=links, number=here + 1, title=LABELS[step])
    context |= {
        "previous": STEPS[here - 1] if here else "",
        "segment_count": Segment.objects.filter(pool=campaign.pool, is_archived=False).count(),
    }
    if step == "content":
        context["layers"] = _layers(campaign, as_of, context["audience"])
    return context


def _layers(campaign: Campaign, as_of: datetime, audience: Audience | None) -> list[dict[str, Any]]:
    layers = list(campaign.layers.select_related("content"))
    return [_layer(campaign, layer, as_of, audience, first=n == 0, last=n == len(layers) - 1) for n, layer in enumerate(layers)]


def _layer(campaign: Campaign, layer: Layer, as_of: datetime, audience: Audience | None, **more: Any) -> dict[str, Any]:
    """A layer's form, its size, and its message for one of its members."""
    part = next((each for each in audience.parts if each.layer.pk == layer.pk), None) if audience else None
    members = audience.made.where(TREATED, layer.pk).tolist() if audience else []
    sampled = sample(campaign, layer, members[0], as_of) if members else None
    form = forms.LayerForm(pool=campaign.pool, layer=layer)
    return {
        "layer": layer, "form": form, "part": part, "sample": sampled, "problems": problems_of(campaign, layer),
        "sentence": presets.sentence(campaign.pool, layer.rule), "chips": _chips(), **more,
    }  # fmt: skip


def _of(campaign: Campaign, layer: int) -> Layer:
    return get_object_or_404(campaign.layers.select_related("content"), pk=layer)


def _chips() -> list[dict[str, Any]]:
    """Placeholders to click into a text, as they are written."""
    special = {
        "member.name": '{{member.name|default:"' + _("您") + '"}}',
        "campaign.link": "[" + _("去看看") + "]({{campaign.link}})",
    }
    keys = [key for key in FIELDS if key != "unsubscribe.link"]
    return [
        {"label": FIELDS[key].label, "sample": FIELDS[key].sample, "text": special.get(key, f"{{{{{key}}}}}")} for key in keys
    ]


@act("campaigns.edit")
def save_layer(request: HttpRequest, campaign: Campaign, layer: int) -> HttpResponse:
    """Save a layer; answers with its preview."""
    found = _of(campaign, layer)
    form = forms.LayerForm(request.POST, pool=campaign.pool, layer=found)
    if form.is_valid():
        said = {name: form.cleaned_data[name] for name in ("name", "subject", "body", "link")}
        services.save_layer(campaign=campaign, layer=found, actor=request.user, rule=form.rule, **said)  # type: ignore[arg-type]
    if not getattr(request, "htmx", False):
        return redirect("campaigns:step", pk=campaign.pk, step="content")
    as_of = clock.now()
    campaign = _fresh(campaign)
    context = _layer(campaign, _of(campaign, layer), as_of, _sizes(campaign, as_of))
    aside = _aside(request, campaign, as_of, step="content", saved=form.is_valid())
    return render(
        request, "campaigns/layer_saved.html", {**aside, "each": context, "faults": form.errors, "saved": form.is_valid()}
    )


@act("campaigns.edit")
def add_layer(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    made = services.add_layer(campaign=campaign, actor=request.user, rule=presets.BY_KEY["rfm_important"].rule)  # type: ignore[arg-type]
    response = redirect("campaigns:step", pk=campaign.pk, step="content")
    response["Location"] += f"#layer-{made.pk}"
    return response


@act("campaigns.edit")
def remove_layer(request: HttpRequest, campaign: Campaign, layer: int) -> HttpResponse:
    services.remove_layer(campaign=campaign, layer=_of(campaign, layer), actor=request.user)  # type: ignore[arg-type]
    return redirect("campaigns:step", pk=campaign.pk, step="content")


@act("campaigns.edit")
def move_layer(request: HttpRequest, campaign: Campaign, layer: int, way: str) -> HttpResponse:
    services.move_layer(campaign=campaign, layer=_of(campaign, layer), up=way == "up", actor=request.user)  # type: ignore[arg-type]
    return redirect("campaigns:step", pk=campaign.pk, step="content")
