"""Data quality: every figure counted by hand, and the rows behind it are exactly those it counts."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from rest_framework.test import APIClient

from members.attributes import services as attributes
from members.listing import ask
from members.models import Channel, DailyFigure, ImportReject, ImportRun, Member, Pool, Review
from members.quality import behind, figures, queries, services
from scrm.jobs import running
from scrm.jobs.models import JobRun
from tests import factories

pytestmark = pytest.mark.django_db
TMALL, POS = 6, 1


@pytest.fixture
def people(pool: Pool, other_pool: Pool, as_of: datetime) -> dict[str, Member]:
    attributes.create_field(pool=pool, key="worth", kind="number", label="净资产", actor=None)
    attributes.create_field(
        pool=pool, key="band", kind="choice", label="档", choices=[attributes.Choice("50%"), attributes.Choice("b")], actor=None
    )
    old, born = as_of - timedelta(days=200), date(1990, 5, 1)
    ago = {"updated_at": old, "joined_at": old}
    one, test = {"worth": 5, "band": "50%"}, {"band": "gone"}
    made = {
        "one": factories.member(
            pool, "王敏", phone="13800000001", channel_id=TMALL, birthday=born, gender=2, updated_at=as_of, attributes=one
        ),
        "twin": factories.member(pool, "王敏", channel_id=POS, birthday=born, attributes={"worth": "many"}, **ago),
        "test": factories.member(
            pool, "test01", card="C1", channel_id=TMALL, birthday=date(1970, 1, 1), city="上海", attributes=test, **ago
        ),
        "blank": factories.member(pool, "", updated_at=as_of, sources={"city": ["6", "2026-01-01"]}),
    }
    factories.member(other_pool, "王敏", birthday=born, channel_id=TMALL)
    gone = factories.member(pool, "王敏", birthday=born, channel_id=TMALL)
    Member.objects.filter(pk=gone.pk).update(merged_into=made["one"].pk)
    Review.objects.create(pool=pool, one_id=made["one"].pk, two_id=made["twin"].pk, reason="conflict", at=as_of)
    services.count(pool=pool, as_of=as_of)
    return made


def value(pool: Pool, name: str, source: int = 0) -> int:
    return queries.latest(pool)[source].get(name, 0)


@pytest.mark.parametrize(
    ("name", "whole", "tmall"),
    [
        ("members", 4, 2),
        ("field.name", 3, 2),
        ("field.birthday", 3, 2),
        ("field.city", 1, 1),
        ("field.attr:worth", 2, 1),
        ("identity.phone", 1, 1),
        ("identity.any", 2, 2),
        ("invalid.name", 1, 1),
        ("invalid.birthday", 1, 1),
        ("invalid.attr:worth", 1, 0),
        ("invalid.attr:band", 1, 1),
        ("stale.180", 2, 1),
        ("stale.365", 0, 0),
        ("duplicate.name_birthday", 2, 1),
        ("review.open", 2, 1),
        ("review.conflict", 2, 1),
        ("conflict.overruled", 1, 0),
    ],
)
def test_figures_counted_by_hand(pool: Pool, people: dict[str, Member], name: str, whole: int, tmall: int) -> None:
    assert (value(pool, name), value(pool, name, TMALL)) == (whole, tmall)


def test_the_rows_behind_each_figure_are_those_it_counts(
    pool: Pool, people: dict[str, Member], as_of: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("members.quality.behind.clock.now", lambda: as_of)
    for source, counts in queries.latest(pool).items():
        everybody = counts["members"]
        for name, n in counts.items():
            if name == "members":
                continue
            assert len(behind.members(pool, behind.value(name, source))) == n, (source, name)
            if name in figures.every(pool):
                assert len(behind.members(pool, behind.value(name, source, lacking=True))) == everybody - n, (source, name)


def test_the_member_list_takes_a_figure_from_the_address(pool: Pool, people: dict[str, Member]) -> None:
    asked = ask(QueryDict(f"quality=-identity.any~{DailyFigure.WHOLE}"), pool)
    assert set(asked.ids()) == {people["twin"].pk, people["blank"].pk}
    assert asked.chips[0][2] == "数据质量: 缺任一身份标识"
    for nonsense in ("no.such~0", "field.name", "field.name~x", "~", "-duplicate.name_birthday~0"):
        assert not ask(QueryDict(f"quality={nonsense}"), pool).ids()


def test_a_day_has_its_latest_count_and_days_make_a_trend(pool: Pool, people: dict[str, Member], as_of: datetime) -> None:
    services.count(pool=pool, as_of=as_of - timedelta(days=8))
    factories.member(pool, "新", phone="13900000001", channel_id=TMALL)
    services.count(pool=pool, as_of=as_of + timedelta(hours=2))
    assert [row["members"] for row in queries.trend(pool, 0, ["field.name"], as_of)] == [4, 5]
    line = next(line for line in queries.sections(pool, TMALL)["field"] if line.name == "field.name")
    assert (line.members, line.change) == (3, 1)
    assert DailyFigure.objects.filter(pool=pool, name="members", source=0).count() == 2


def test_refused_rows_are_counted_by_code(pool: Pool, as_of: datetime) -> None:
    channel = Channel.objects.get(pk=TMALL)
    for days, code in ((1, "bad_phone"), (2, "bad_phone"), (40, "bad_date")):
        run = ImportRun.objects.create(pool=pool, kind="members", channel=channel, file_name="f", path="f", format="csv")
        ImportRun.objects.filter(pk=run.pk).update(created_at=as_of - timedelta(days=days))
        ImportReject.objects.create(run=run, line=2, code=code, column="x")
    ((found,),) = queries.refusals(pool, as_of).values()
    assert (found.code, found.n) == ("bad_phone", 2)


# -- Pages and API -------------------------------------------------------------------------------
def test_the_pages(login: Callable[[str], Client], pool: Pool, people: dict[str, Member]) -> None:
    analyst = login("analyst")
    page = analyst.get("/p/demo/quality/").content.decode()
    assert "天猫" in page
    assert "未注明来源" in page
    page = analyst.get(f"/p/demo/quality/{TMALL}/").content.decode()
    assert "quality=invalid.name~6" in page.replace("%7E", "~")
    assert analyst.get("/p/demo/quality/-1/").status_code == 200
    assert analyst.get("/p/demo/quality/999/").status_code == 404
    assert analyst.get("/p/demo/charts/quality_trend.json?source=6").status_code == 200


def test_nothing_was_counted_yet(login: Callable[[str], Client], pool: Pool) -> None:
    assert "现在统计" in login("operator").get("/p/demo/quality/").content.decode()
    assert "现在统计" not in login("marketer").get("/p/demo/quality/").content.decode()


def test_counting_again_is_a_job_and_only_one(login: Callable[[str], Client], pool: Pool, alice: Member) -> None:
    for _again in range(2):
        assert login("operator").post("/p/demo/quality/count/").status_code == 302
    job = JobRun.objects.get(kind=services.KIND)
    assert running.run(job.pk, heart=False) == JobRun.Status.DONE
    assert value(pool, "members") == 1
    assert login("marketer").post("/p/demo/quality/count/").status_code == 403


def test_over_the_api(api: Callable[..., APIClient], pool: Pool, people: dict[str, Member]) -> None:
    client = api("analyst")
    rows: Any = {row["source"]: row for row in client.get("/api/quality/").json()["results"]}
    (phone,) = [each for each in rows[TMALL]["figures"] if each["name"] == "identity.phone"]
    assert (phone["members"], phone["share"]) == (1, 0.5)
    found = client.get("/api/members/", {"quality": phone["filter"]}).json()["results"]
    assert [row["id"] for row in found] == [people["one"].pk]
    assert client.get("/api/quality/0/trend/?name=field.name").status_code == 200
    assert client.post("/api/quality/count/").status_code == 202
