"""Every kind of dimension counts what is there."""

from members import versions
from members.models import Consent, Member, MemberPrediction, MemberState, MemberTag, Pool, Tag, TagGroup
from segmentation.models import ModelVersion, Predictor, Segment
from tests.portraits.drawing import AS_OF, drawn, lines


def test_every_kind_of_dimension_counts_what_is_there(shanghai: Segment) -> None:
    found = drawn(shanghai)
    assert (found.size, found.total, found.as_of) == (20, 40, AS_OF)
    assert lines(found, "gender") == {"男": (0, 16), "女": (20, 24)}
    assert lines(found, "city") == {"上海": (20, 20), "杭州": (0, 20)}
    assert lines(found, "age") == {"30–34": (20, 20), "40–49": (0, 20)}
    assert lines(found, "home_store") == {"一店": (10, 20), "未知": (10, 20)}
    assert lines(found, "category") == {"奶粉": (20, 20), "玩具": (0, 10), "没有": (0, 10)}
    assert lines(found, "brand") == {"甲": (20, 20), "乙": (0, 10), "没有": (0, 10)}
    assert lines(found, "order_hour") == {"12 点": (0, 10), "23 点": (20, 20), "没有": (0, 10)}
    assert lines(found, "order_weekday") == {"周一": (0, 10), "周六": (20, 20), "没有": (0, 10)}
    assert list(lines(found, "order_channel").values()) == [(20, 20), (0, 10), (0, 10)]
    assert lines(found, "event") == {"加购": (20, 20), "浏览": (0, 10), "没有": (0, 10)}
    assert lines(found, "order_store") == {}, "nobody bought at a shop that is named"


def test_what_is_computed_tagged_agreed_and_foretold(pool: Pool, people: list[Member], shanghai: Segment) -> None:
    group = TagGroup.objects.create(pool=pool, name="喜好")
    night = Tag.objects.create(pool=pool, group=group, name="夜猫子")
    gone = Tag.objects.create(pool=pool, group=group, name="旧的", retired_at=AS_OF)
    predictor = Predictor.objects.create(pool=pool, key="churn", is_on=True)
    predictor.version = ModelVersion.objects.create(predictor=predictor, number=1, as_of=AS_OF, status="ready", started_at=AS_OF)
    predictor.save()
    for n, member in enumerate(people):
        MemberTag.objects.create(member=member, tag=night if n < 15 else gone, at=AS_OF)
        MemberState.objects.create(
            member=member,
            pool=pool,
            order_count=2 if n < 20 else 0,
            amount_total=n * 1000,
            stage=1 if n < 30 else 0,
            rfm_group=7 if n < 10 else None,
        )
        Consent.objects.create(member=member, carrier="sms", purpose="marketing", granted=n < 25, at=AS_OF)
        MemberPrediction.objects.create(
            member=member, pool=pool, predictor_id=predictor.pk, value=0.1, percentile=95 if n < 20 else 10
        )
    versions.bump(pool.pk, "tags", "state", "consents", "predictions")
    found = drawn(shanghai)
    assert lines(found, f"tags.{group.pk}") == {"夜猫子": (15, 15), "没有": (5, 25)}
    assert lines(found, "stage") == {"潜客": (0, 10), "活跃期": (20, 30)}
    assert lines(found, "rfm_group") == {"重要价值": (10, 10), "未知": (10, 30)}
    assert lines(found, "order_count") == {"2": (20, 20), "0": (0, 20)}
    assert lines(found, "consent") == {"短信": (20, 25), "没有": (0, 15)}
    assert lines(found, "prediction.churn") == {"< 21": (0, 20), "≥ 91": (20, 20)}
    MemberState.objects.filter(member__in=people[:3]).delete()
    versions.bump(pool.pk, "state")
    assert lines(drawn(shanghai), "stage") == {"潜客": (3, 13), "活跃期": (17, 27)}, "without a state one is a lead"
    amounts = lines(found, "amount_total")
    assert sum(mine for mine, _all in amounts.values()) == 20
    assert sum(every for _mine, every in amounts.values()) == 40
    assert all("¥" in name or name == "0" for name in amounts)


def test_own_fields_of_every_kind(pool: Pool, people: list[Member], shanghai: Segment) -> None:
    from members.models import AttributeField

    kinds = {
        "income": "choice",
        "pets": "multi_choice",
        "vip": "boolean",
        "height": "number",
        "wed": "date",
        "said": "text",
        "secret": "text",
    }
    for key, kind in kinds.items():
        choices = [{"value": "a", "label": "高"}, {"value": "b", "label": "低"}] if "choice" in kind else []
        AttributeField.objects.create(pool=pool, key=key, label=key, kind=kind, choices=choices, is_sensitive=key == "secret")
    for n, member in enumerate(people):
        first = n < 20
        own = {
            "income": "a" if first else "b",
            "pets": ["a", "b"] if first else ["b"],
            "vip": first,
            "height": 1.5 if first else 1.8,
        }
        Member.objects.filter(pk=member.pk).update(
            attributes={**own, "wed": f"20{10 + n % 2}-05-01", "said": "常客" if first else f"第{n}位", "secret": "x"}
        )
    versions.bump(pool.pk, "members")
    found = drawn(shanghai)
    assert lines(found, "attr.choice.income") == {"高": (20, 20), "低": (0, 20)}
    assert lines(found, "attr.multi_choice.pets") == {"低": (20, 40), "高": (20, 20)}
    assert lines(found, "attr.boolean.vip") == {"是": (20, 20), "否": (0, 20)}
    assert lines(found, "attr.number.height") == {"< 1.8": (20, 20), "≥ 1.8": (0, 20)}
    assert lines(found, "attr.date.wed") == {"2010": (10, 20), "2011": (10, 20)}
    assert lines(found, "attr.text.said") == {"常客": (20, 20), "其他（20 项）": (0, 20)}, "what few wrote names nobody"
    assert lines(found, "attr.text.secret") == {}, "sensitive words are not shown at all"
