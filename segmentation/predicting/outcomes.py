"""What is made of scores: a list of those who resemble a segment most, and names of groups."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from pyroaring import BitMap

from members import versions
from members.models import MemberPrediction
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User
from segmentation.models import ModelVersion, Predictor, Segment
from segmentation.predicting import services
from segmentation.predicting.declaring import model
from segmentation.segments import services as segments

MOST = 1_000_000
LONGEST = 20


def expand(*, predictor: Predictor, n: int, name: str, actor: User | None, as_of: datetime) -> Segment:
    """The n members with the highest scores as a static list; equal scores by the lower member number."""
    declared = model(predictor.key)
    if not declared.keyed:
        raise Problem("models.not_expandable", _("只有相似人群可以生成名单"), {"key": [predictor.key]})
    if not 1 <= n <= MOST:
        raise Problem("models.bad_size", _("人数在 1 到 1,000,000 之间"), {"n": [str(n)]})
    if predictor.version is None:
        raise Problem("models.not_scored", _("还没有评分：先启用模型，评分完成后再生成名单"), {"n": [str(n)]})
    if predictor.version.beats is False:
        raise Problem("models.not_proven", _("这个版本没有证明优于「消费最高的会员」，不生成名单"), {"n": [str(n)]})
    found = MemberPrediction.objects.filter(predictor_id=predictor.pk, value__isnull=False)
    ids = BitMap(found.order_by("-value", "member_id").values_list("member_id", flat=True)[:n])
    note = _("%(model)s，版本 %(version)s，最像的 %(n)s 位") % {
        "model": declared.name_of(predictor.pool, predictor.key), "version": predictor.version.number, "n": len(ids),
    }  # fmt: skip
    return segments.fix(
        pool=predictor.pool, name=name.strip(), note=note[:200], ids=ids, actor=actor, as_of=as_of, kind=Segment.Kind.LIST
    )


@transaction.atomic
def name_groups(*, predictor: Predictor, names: Sequence[str], actor: User | None) -> ModelVersion:
    """What people call the groups of the newest version, in their order; later versions keep the names."""
    version = services.latest(predictor)
    wanted = [each.strip() for each in names]
    if version is None or model(predictor.key).unit != "class":
        raise Problem("models.no_groups", _("还没有可以命名的群"), {"names": wanted})
    if len(wanted) != len(version.items) or len({*wanted}) != len(wanted) or not all(0 < len(each) <= LONGEST for each in wanted):
        raise Problem(
            "models.bad_names",
            _("每个群要有一个名字，最长 20 个字，互不相同；共 %(n)s 群") % {"n": len(version.items)},
            {"names": wanted},
        )
    before, version.items = list(version.items), wanted
    ModelVersion.objects.filter(pk__in={version.pk, predictor.version_id}, params__k=len(wanted)).update(items=wanted)
    versions.bump(predictor.pool_id, "predictions")
    audit(actor=actor, action="predictor.name", target=predictor, pool_id=predictor.pool_id, before=before, after=wanted)
    return version
