"""Pages of models."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from scrm.lib import clock
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow
from segmentation.models import ModelVersion, Predictor
from segmentation.predicting import outcomes, queries, services, words
from segmentation.predicting.declaring import checked, is_known, model
from segmentation.predicting.forms import ExpandForm, SettingsForm, TagForm, shown_threshold
from segmentation.predicting.scoring import fitted


@require_GET
@allow("segments.view")
def shelf(request: HttpRequest) -> HttpResponse:
    """Every model, how good it is, whether it is on."""
    return render(request, "predicting/list.html", {"rows": queries.shelf(request.pool)})


@require_GET
@allow("segments.view")
def detail(request: HttpRequest, key: str) -> HttpResponse:
    """One model: what it foretells, how good it was, what it says."""
    if not model(_known(key)).exists(request.pool.pk, key):
        raise Http404(f"no model {key!r} here")
    return render(request, "predicting/detail.html", _page(request, key))


def _page(request: HttpRequest, key: str, **forms: Any) -> dict[str, Any]:
    row = queries.row(request.pool, key, queries.predictor(request.pool, key))
    predictor, declared = row.predictor, row.model
    every = list(queries.versions(predictor)) if predictor else []
    asked = request.GET.get("version", "")
    shown = next((each for each in every if asked.isdecimal() and each.number == int(asked)), None) or row.version
    settings = predictor.settings if predictor else checked(key, {}).model_dump(mode="json")
    tag = predictor.tag if predictor else None
    initial = shown_threshold(predictor.threshold if predictor else None, declared.unit)
    initial |= {"group": tag.group_id, "name": tag.name} if tag else {"name": row.title}
    low = request.GET.get("side") == "low"
    own = declared.shown(fitted(shown)) if shown and shown.status == "ready" else {}
    return {
        "row": row,
        "predictor": predictor,
        "model": declared,
        "version": shown,
        "window": _moments(shown.window) if shown else {},
        "versions": [(each, _why_not(each)) for each in every],
        "lines": words.lines(shown.metrics, declared.unit) if shown else [],
        "lacking": words.lacking(shown.sizes.get("lacking")) if shown and shown.status == ModelVersion.Status.LACKING else "",
        "setback": _why_not(row.attempt) if row.attempt and shown == row.version else "",
        "base": words.written(shown.sizes.get("base"), declared.unit) if shown and shown.status == "ready" else "",
        "told": declared.told(fitted(shown)) if shown and shown.status == "ready" and shown.params else [],
        "low": low,
        "people": [(each, queries.told(predictor, each)) for each in queries.extremes(predictor, low=low)] if predictor else [],
        "settings_form": forms.get("settings_form") or SettingsForm(declared, initial=settings),
        "tag_form": forms.get("tag_form") or TagForm(request.pool, declared, initial=initial),
        "own": own | {"newest": shown == row.version} if own else {},
        "expand_form": forms.get("expand_form") or ExpandForm(initial={"name": row.title}),
        "names_error": forms.get("names_error", ""),
        "stale": bool(predictor and shown and shown.settings != predictor.settings),
    }


def _moments(window: dict[str, Any]) -> dict[str, list[datetime]]:
    """The instants a version learnt from and was judged at: their days are those of the pool."""
    return {name: [datetime.fromisoformat(each) for each in window.get(name, ())] for name in ("reach", "cutoffs", "held_out")}


def _why_not(version: ModelVersion) -> str:
    """Why there is nothing to show of it."""
    lacks = version.status == ModelVersion.Status.LACKING
    return words.lacking(version.sizes.get("lacking")) if lacks else version.error


@require_POST
@allow("predictions.edit")
def switch(request: HttpRequest, key: str) -> HttpResponse:
    """On or off."""
    on = request.POST.get("on") == "1"
    try:
        services.switch(predictor=_row(request, key), on=on, actor=request.user)
        toast(request, _("已启用，正在训练与评分") if on else _("已停用，评分已清除，版本记录保留"))
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
    return redirect("predicting:detail", key)


@require_POST
@allow("predictions.edit")
def train(request: HttpRequest, key: str) -> HttpResponse:
    """Train a new version now."""
    services.ask(predictor=_row(request, key), train=True, actor=request.user)
    toast(request, _("已开始训练，可在本页查看进度"))
    return redirect("predicting:detail", key)


@require_POST
@allow("predictions.edit")
def save(request: HttpRequest, key: str) -> HttpResponse:
    """Keep the settings and train by them."""
    form = SettingsForm(model(_known(key)), request.POST)

    def act() -> None:
        predictor = services.configure(predictor=_row(request, key), settings=form.values, actor=request.user)
        services.ask(predictor=predictor, train=True, actor=request.user)
        messages.success(request, _("设置已保存，正在按它训练"))

    return _kept(request, key, "settings_form", form, act)


@require_POST
@allow("tags.edit")
def tag(request: HttpRequest, key: str) -> HttpResponse:
    """Have a tag kept on the members beyond a threshold."""
    form = TagForm(request.pool, model(_known(key)), request.POST)

    def act() -> None:
        found = form.cleaned_data
        services.set_tag(
            predictor=_row(request, key), group=found["group"], name=found["name"], threshold=form.threshold, actor=request.user
        )
        messages.success(request, _("标签已设置，随每次评分更新"))

    return _kept(request, key, "tag_form", form, act)


@require_POST
@allow("tags.edit")
def untag(request: HttpRequest, key: str) -> HttpResponse:
    """Keep no tag any more."""
    services.drop_tag(predictor=_row(request, key), actor=request.user)
    toast(request, _("不再维护标签；已带有的会员保留，改为手工标签"))
    return redirect("predicting:detail", key)


@require_POST
@allow("segments.edit")
def expand(request: HttpRequest, key: str) -> HttpResponse:
    """A static list of the members who resemble the seeds most."""
    form = ExpandForm(request.POST)
    if not form.is_valid():
        return render(request, "predicting/detail.html", _page(request, _known(key), expand_form=form), status=422)
    try:
        made = outcomes.expand(predictor=_row(request, key), **form.cleaned_data, actor=request.user, as_of=clock.now())
    except Problem as problem:
        field = next(iter(problem.fields), None)
        form.add_error(field if field in form.fields else None, problem.message)
        return render(request, "predicting/detail.html", _page(request, key, expand_form=form), status=422)
    toast(request, _("名单已生成"))
    return redirect("segments:detail", made.pk)


@require_POST
@allow("predictions.edit")
def name_groups(request: HttpRequest, key: str) -> HttpResponse:
    """What the groups are called."""
    try:
        outcomes.name_groups(predictor=_row(request, key), names=request.POST.getlist("names"), actor=request.user)
    except Problem as problem:
        return render(request, "predicting/detail.html", _page(request, key, names_error=problem.message), status=422)
    toast(request, _("名字已保存"))
    return redirect("predicting:detail", key)


def _kept(request: HttpRequest, key: str, name: str, form: Any, act: Callable[[], None]) -> HttpResponse:
    """Do it when the form is sound; otherwise the page again, with what is wrong beside its field."""
    if form.is_valid():
        try:
            act()
            return redirect("predicting:detail", key)
        except Problem as problem:
            field = next(iter(problem.fields), None)
            form.add_error(field if field in form.fields else None, problem.message)
    return render(request, "predicting/detail.html", _page(request, key, **{name: form}), status=422)


def _known(key: str) -> str:
    if not is_known(key):
        raise Http404(f"no model {key!r}")
    return key


def _row(request: HttpRequest, key: str) -> Predictor:
    return services.predictor_of(pool=request.pool, key=_known(key))
