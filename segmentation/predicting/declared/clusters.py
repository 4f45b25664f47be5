"""Members in a few groups by how they buy, found by k-means; as many groups as come back when members are drawn anew."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import scipy
from django.utils.translation import gettext_lazy as _
from pydantic import Field
from threadpoolctl import threadpool_limits

from scrm.lib import formats
from segmentation.models import ModelVersion
from segmentation.predicting import words
from segmentation.predicting.classifying import FEWEST, squeezed
from segmentation.predicting.declared.profiles import LABELS, Profiles, TwoMonths, described
from segmentation.predicting.declaring import (
    Ask,
    Fitted,
    Floats,
    Frame,
    Judgement,
    Metric,
    NotEnoughData,
    Sample,
    Scores,
    Settings,
    Unit,
    Words,
    register,
)

STABLE = 0.8
COLUMNS = ("recency", "n6", "a6", "basket", "discount6", "breadth", "weekend", "evening")
MOST_FITTED, DRAWS = 20_000, 8
KS = range(2, 9)


class Groups(TwoMonths):
    """How many groups: 0 lets the data decide."""

    groups: int = Field(default=0, ge=0, le=8)


@register
class Clusters(Profiles):
    key = "clusters"
    title = _("行为聚类")
    about = _("把会员按最近购买、频次、金额与购买习惯自动分成几群；换一批抽样还分得一样，才算稳定。")
    baseline = _("稳定性门槛 0.8")
    value_label = _("所在的群")
    unit: ClassVar[Unit] = "class"
    icon = "chart-bubble"
    settings: ClassVar[type[Settings]] = Groups
    unproven: ClassVar[Words] = _(
        "换一批抽样，同一位会员常常分到别的群（稳定性低于 0.8）。群可以看，但不要据此长期区别对待会员；可以改少群数再试。"
    )
    parts: ClassVar[Sequence[str]] = ("predicting/groups.html",)

    def learn(self, past: Sequence[Sample], ask: Ask, seed: int) -> Fitted:
        frame = past[-1].frame
        if (members := len(frame["member_id"])) < FEWEST:
            raise NotEnoughData("members", found=members, needed=FEWEST)
        x = _matrix(frame)
        mean, scale = x.mean(axis=0), x.std(axis=0)
        scale = np.where(scale > 1e-9, scale, 1.0)
        tried = _tried((x - mean) / scale, wanted(ask.settings), seed)
        best = _best(tried)
        centres = _ordered(np.array(best["centres"]) * scale + mean)
        centres, names = _like_before(ask, centres, mean, scale)
        found = {"mean": mean.tolist(), "scale": scale.tolist(), "centres": centres.tolist(), "k": len(centres)}
        found["categories"] = list(ask.items)
        code = _nearest(found, x)
        found["tried"] = [{name: each[name] for name in ("k", "ari", "low", "high", "silhouette")} for each in tried]
        found["groups"] = portraits(frame, code, len(centres))
        return Fitted(found, items=names)

    def chosen(self, fitted: Fitted) -> Sequence[Any]:
        """Items are the names of the groups."""
        return fitted.params.get("categories", ())

    def score(self, fitted: Fitted, frame: Frame, ask: Ask) -> Scores:
        x = _matrix(frame)
        code = _nearest(fitted.params, x) if len(x) else np.empty(0, int)
        return Scores(code.astype(float), code=code)

    def judge(
        self, fitted: Sequence[Fitted], past: Sequence[Sequence[Sample]], held: Sequence[Sample], ask: Ask, seed: int
    ) -> Judgement:
        """Stable is what comes back when members are drawn anew."""
        found = next(each for each in fitted[0].params["tried"] if each["k"] == fitted[0].params["k"])
        ari, low, high = (float(found[name]) for name in ("ari", "low", "high"))
        apart = [each - STABLE for each in (ari, low, high)]
        stable = Metric("ari", ari, low, high, STABLE, apart[0], apart[1], apart[2], main=True)
        return Judgement([stable, Metric("silhouette", found["silhouette"])], found["ari"] >= STABLE, (), _weights(fitted[0]))

    def shown(self, fitted: Fitted) -> dict[str, Any]:
        """Portraits of the groups, written out."""
        groups = [
            {"name": name, **{each: group[each] for each in ("members", "share", "spent")}, "means": _written(group)}
            for name, group in zip(fitted.items, fitted.params["groups"], strict=True)
        ]
        return {"groups": groups, "titles": [LABELS[name] for name in COLUMNS]}

    def told(self, fitted: Fitted) -> list[tuple[Words, str]]:
        tried = [f"{each['k']}: {formats.decimal(each['ari'], 2)}" for each in fitted.params["tried"]]
        return [(_("群数"), str(fitted.params["k"])), (_("试过的群数与稳定性"), formats.clauses(tried))]


UNITS = {"a6": "money", "basket": "money", "discount6": "share", "weekend": "share", "evening": "share"}


def _written(group: Mapping[str, Any]) -> list[str]:
    """Means, each in its unit."""
    return [
        formats.decimal(group[name], 1)
        if name not in UNITS and group[name] is not None
        else words.written(group[name], UNITS.get(name, ""))
        for name in COLUMNS
    ]


def wanted(settings: Settings) -> Sequence[int]:
    """Which numbers of groups are tried."""
    k = getattr(settings, "groups", 0)
    return [k] if k >= 2 else KS


def portraits(frame: Frame, code: Any, k: int) -> list[dict[str, Any]]:
    """Of each group how many members, which share of what was spent, and its means."""
    about, total = described(frame), max(float(frame["a6"].sum()), 1.0)
    found = []
    for each in range(k):
        rows = code == each
        means: dict[str, Any] = {name: float(about[name][rows].mean()) if rows.any() else None for name in COLUMNS}
        found.append(
            {"members": int(rows.sum()), "share": float(rows.mean()), "spent": float(frame["a6"][rows].sum()) / total} | means
        )
    return found


def default_name(n: int) -> str:
    """What a group is called until somebody names it."""
    return chr(ord("A") + n)


def _matrix(frame: Frame) -> Floats:
    about = described(frame)
    amounts = squeezed(np.column_stack([about[name] for name in COLUMNS[:4]]).astype(float))
    return np.column_stack([amounts, *(about[name] for name in COLUMNS[4:])])


def _fit(x: Floats, k: int, seed: int) -> Floats:
    from sklearn.cluster import KMeans

    with threadpool_limits(limits=1):
        found: Floats = KMeans(k, n_init=4, random_state=seed).fit(x).cluster_centers_
    return found


def _assign(x: Floats, centres: Floats) -> Any:
    """The nearest centre of each row."""
    return ((centres**2).sum(axis=1) - 2 * x @ centres.T).argmin(axis=1)


def _nearest(params: Mapping[str, Any], x: Floats) -> Any:
    mean, scale, centres = (np.array(params[name]) for name in ("mean", "scale", "centres"))
    return _assign((x - mean) / scale, (centres - mean) / scale)


def _tried(x: Floats, ks: Sequence[int], seed: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    x = x[rng.permutation(len(x))[:MOST_FITTED]]
    kinds = len(np.unique(x.round(9), axis=0))
    if not (possible := [k for k in ks if k <= kinds]):
        raise NotEnoughData("alike", found=kinds, needed=min(ks))
    return [_stability(x, k, seed) for k in possible]


def _stability(x: Floats, k: int, seed: int) -> dict[str, Any]:
    """Fitted on members drawn with replacement, how alike all are grouped: the adjusted Rand index."""
    from sklearn.metrics import adjusted_rand_score, silhouette_score

    rng = np.random.default_rng(seed + k)
    centres = _fit(x, k, seed)
    usual = _assign(x, centres)
    again = [
        adjusted_rand_score(usual, _assign(x, _fit(x[rng.integers(0, len(x), len(x))], k, seed + draw))) for draw in range(DRAWS)
    ]
    some = rng.permutation(len(x))[:3000]
    told_apart = len(set(usual[some].tolist())) > 1
    return {
        "k": k, "centres": centres.tolist(), "ari": float(np.mean(again)), "low": float(np.min(again)),
        "high": float(np.max(again)), "silhouette": float(silhouette_score(x[some], usual[some])) if told_apart else 0.0,
    }  # fmt: skip


def _best(tried: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of the stable ones the one whose groups lie furthest apart, three groups or more if there are such; else the stablest."""
    stable = [each for each in tried if each["ari"] >= STABLE]
    more = [each for each in stable if each["k"] > 2]
    if not stable:
        return max(tried, key=lambda each: each["ari"])
    return max(more or stable, key=lambda each: each["silhouette"])


def _ordered(centres: Floats) -> Floats:
    """Those who spend most come first."""
    return centres[np.argsort(-centres[:, COLUMNS.index("a6")], kind="stable")]


def _like_before(ask: Ask, centres: Floats, mean: Floats, scale: Floats) -> tuple[Floats, list[str]]:
    """Groups that are the ones of the version before keep their place and their name, so that rules go on meaning the same."""
    last = (
        ModelVersion.objects.filter(predictor__pool=ask.pool_id, predictor__key=ask.key, status=ModelVersion.Status.READY)
        .order_by("-number")
        .first()
    )
    names = [default_name(n) for n in range(len(centres))]
    if last is None or len(last.params.get("centres", [])) != len(centres):
        return centres, names
    before = (np.array(last.params["centres"]) - mean) / scale
    apart = (((before[:, None, :] - ((centres - mean) / scale)[None, :, :]) ** 2).sum(axis=2)) ** 0.5
    _old, new = scipy.optimize.linear_sum_assignment(apart)
    return centres[new], [str(each) for each in last.items]


def _weights(fitted: Fitted) -> list[tuple[str, float]]:
    """How far apart the groups lie in each column, in standard deviations of all members."""
    mean, scale, centres = (np.array(fitted.params[name]) for name in ("mean", "scale", "centres"))
    spread = ((centres - mean) / scale).std(axis=0)
    return sorted(zip(COLUMNS, (float(each) for each in spread), strict=True), key=lambda pair: -pair[1])
