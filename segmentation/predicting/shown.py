"""What models announce: a tab on the member's page, what keeps their tags, what becomes of them when a person is erased."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members import panels
from members.models import Member, Pool, Tag
from members.privacy.deciding import decide, free, remove
from members.tagging import keepers, usage
from segmentation.models import Predictor
from segmentation.predicting import charts, choosing, queries, work  # noqa: F401  (they announce themselves)
from segmentation.predicting.declaring import is_known, model

decide("members.MemberPrediction", remove("computed; nobody is left to foretell anything of"))
decide("segmentation.Predictor", free("settings of a model and how scores are spread"))
decide("segmentation.ModelVersion", free("figures and coefficients over hundreds of members and more"))


def _panel(request: HttpRequest, member: Member) -> dict[str, Any]:
    return {"told": queries.of_member(member)}


panels.register(
    "predictions",
    label=gettext_lazy("预测"),
    template="predicting/panel.html",
    context=_panel,
    permission="segments.view",
    icon="chart-dots-3",
    order=25,
)


def _kept(pool: Pool, tags: Iterable[Tag]) -> dict[int, keepers.Kept]:
    """Tags that models keep, and by which threshold."""
    found = Predictor.objects.filter(pool=pool, tag__in=list(tags)).select_related("version", "tag")
    return {each.tag_id: _said(each) for each in found if each.tag_id and is_known(each.key)}


def _said(each: Predictor) -> keepers.Kept:
    title = model(each.key).title
    if not each.is_on:
        return keepers.Kept(str(title), "paused", _("模型已停用"), "slate", each.tagged_as_of)
    if each.tag_note:
        return keepers.Kept(str(title), "failed", _("模型不优于基线，未打标签"), "amber", each.tagged_as_of)
    return keepers.Kept(str(title), "ready" if each.tagged is not None else "new", _("由模型维护"), "green", each.tagged_as_of)


def _of(request: HttpRequest, tag: Tag) -> dict[str, Any]:
    found = Predictor.objects.filter(tag=tag).select_related("version", "pool").first()
    return {"predictor": found, "model": model(found.key)} if found and is_known(found.key) else {}


keepers.register(of=_kept, template="predicting/keeper.html", context=_of)


def _named(tag: Tag) -> Iterable[usage.Use]:
    """A tag a model keeps cannot be deleted or merged away behind its back."""
    for each in Predictor.objects.filter(tag=tag):
        if is_known(each.key):
            yield usage.Use(_("模型"), str(model(each.key).title), reverse("predicting:detail", args=[each.key]), fixed=True)


usage.register(usage.Place("models", find=_named))
