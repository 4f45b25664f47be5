"""Who resembles the members of a segment and is not among them: a regression that takes everybody else for a mixture.

Only some of those who are alike are known (PU learning). Nobody is scored by what was learnt with them among "the others":
members are dealt into five parts, each is scored by what the other four taught.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from django.utils.translation import gettext_lazy as _
from pyroaring import BitMap

from segmentation.models import Segment
from segmentation.predicting import frames, judging
from segmentation.predicting.classifying import better, squeezed
from segmentation.predicting.declared.profiles import LABELS, Profiles, described, tastes
from segmentation.predicting.declaring import (
    Ask,
    Fitted,
    Floats,
    Frame,
    Judgement,
    NotEnoughData,
    Sample,
    Scores,
    Unit,
    Words,
    register,
)
from segmentation.predicting.learners import Logistic
from segmentation.segments import membership

FEWEST_SEEDS, FEWEST_OTHERS, MOST_SEEDS = 50, 200, 50_000
PARTS = 5


@register
class Lookalike(Profiles):
    key = "lookalike"
    title = _("相似人群")
    about = _("谁最像种子分群里的会员、却不在分群里；相似度 50% 即与种子会员的平均一样像；可以从最像的会员一键生成名单。")
    baseline = _("消费最高的会员")
    value_label = _("相似度")
    unit: ClassVar[Unit] = "share"
    icon = "users-group"
    keyed: ClassVar[bool] = True
    feature_labels: ClassVar[Mapping[str, Words]] = LABELS
    parts: ClassVar[Sequence[str]] = ("predicting/expand.html",)

    def exists(self, pool_id: int, key: str) -> bool:
        return Segment.objects.filter(pk=seed_of(key), pool_id=pool_id).exists()

    def name_of(self, pool: Any, key: str) -> str:
        name = Segment.objects.filter(pk=seed_of(key), pool=pool).values_list("name", flat=True).first()
        return f"{self.title} · {name}" if name else str(self.title)

    def always(self, ask: Ask) -> Sequence[int]:
        """However large the pool, its sample has seeds."""
        return list(seeds_of(ask.key)[:MOST_SEEDS])

    def learn(self, past: Sequence[Sample], ask: Ask, seed: int) -> Fitted:
        frame = past[-1].frame
        seeds = mask(frame, seeds_of(ask.key))
        _enough(seeds)
        return Fitted(_fit(frame, seeds), items=list(ask.items))

    def score(self, fitted: Fitted, frame: Frame, ask: Ask) -> Scores:
        """Whoever is in the segment already is left out."""
        like = _predict(fitted.params, frame) / fitted.params["among_seeds"]
        return Scores(like / (1 + like), keep=~mask(frame, seeds_of(ask.key)))

    def judge(
        self, fitted: Sequence[Fitted], past: Sequence[Sequence[Sample]], held: Sequence[Sample], ask: Ask, seed: int
    ) -> Judgement:
        """A fifth of the seeds is hidden among the others, five times over: how far up do they come?"""
        frame = held[0].frame
        seeds = np.flatnonzero(mask(frame, seeds_of(ask.key)))
        dealt = np.random.default_rng(seed).permutation(len(seeds)) % PARTS
        y, ours, theirs = [], [], []
        for part in range(PARTS):
            known = np.zeros(len(frame["member_id"]), bool)
            known[seeds[dealt != part]] = True
            hidden = np.zeros(len(known), bool)
            hidden[seeds[dealt == part]] = True
            y.append(hidden[~known].astype(float))
            ours.append(_predict(_fit(frame, known), frame)[~known])
            theirs.append(frame["a6"][~known])
        lift = judging.compare("lift10", judging.lift, y, ours, theirs, seed, main=True)
        area = judging.compare("auc", judging.auc, y, ours, theirs, seed)
        falls = _importance(fitted[0].params, frame, mask(frame, seeds_of(ask.key)), seed)
        return Judgement([lift, area], better(lift), (), falls, float(np.mean([each.mean() for each in y])))

    def told(self, fitted: Fitted) -> list[tuple[Words, str]]:
        return [(_("种子会员"), f"{fitted.params['seeds']:,}"), (_("其他会员"), f"{fitted.params['others']:,}")]


def seed_of(key: str) -> int:
    """The segment of a predictor's key."""
    number = key.partition(":")[2]
    return int(number) if number.isdecimal() else 0


def seeds_of(key: str) -> BitMap:
    """Who is in the segment, by its newest result."""
    segment = Segment.objects.filter(pk=seed_of(key)).first()
    return membership.ids_of(membership.latest_of(segment)) if segment else BitMap()


def mask(frame: Frame, ids: BitMap) -> Any:
    """Which rows of a frame are members of a set."""
    return np.isin(frame["member_id"], np.asarray(ids.to_array(), np.int64))


def _matrix(frame: Frame) -> Floats:
    return np.column_stack([squeezed(np.column_stack(list(described(frame).values())).astype(float)), tastes(frame)])


def _part(frame: Frame) -> Any:
    """Which part a member is dealt into: by the number, so that it stays."""
    return (frame["member_id"].astype(np.uint64) * np.uint64(2654435761) >> np.uint64(7)) % np.uint64(PARTS)


def _enough(seeds: Any) -> None:
    if (found := int(seeds.sum())) < FEWEST_SEEDS:
        raise NotEnoughData("seeds", found=found, needed=FEWEST_SEEDS)
    if (others := int(len(seeds) - seeds.sum())) < FEWEST_OTHERS:
        raise NotEnoughData("others", found=others, needed=FEWEST_OTHERS)


def _fit(frame: Frame, seeds: Any) -> dict[str, Any]:
    x, part, y = _matrix(frame), _part(frame), seeds.astype(float)
    lines = [Logistic.fit(x[part != each], y[part != each]) for each in range(PARTS)]
    kept = {"lines": [line.dump() for line in lines], "seeds": int(seeds.sum()), "others": int((~seeds).sum())}
    return kept | {"among_seeds": float(max(_predict(kept, frames.pick(frame, seeds)).mean(), 1e-6))}


def _predict(params: dict[str, Any], frame: Frame) -> Floats:
    """Each by what was learnt without them."""
    x, part = _matrix(frame), _part(frame)
    found = np.zeros(len(x))
    for each, line in enumerate(params["lines"]):
        found[part == each] = Logistic.load(line).predict(x[part == each])
    return found


def _importance(params: dict[str, Any], frame: Frame, seeds: Any, seed: int) -> list[tuple[str, float]]:
    """By how much the AUC falls."""
    names, line = list(described(frame)), Logistic.load(params["lines"][0])
    rows = np.random.default_rng(seed).permutation(len(seeds))[:5000]
    x, y = _matrix(frame)[rows], seeds[rows].astype(float)
    tail = x[:, len(names) :]
    return judging.importance(
        names, x[:, : len(names)], lambda some: line.predict(np.column_stack([some, tail])), lambda p: -judging.auc(y, p), seed
    )
