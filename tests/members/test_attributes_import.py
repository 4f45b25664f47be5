"""Files fill a pool's own fields: declared today, imported today; a cell that is no value names its column."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.core.files.base import ContentFile

from members.attributes import services as attributes
from members.attributes.services import Choice
from members.importing import services as imports
from members.models import Channel, ImportReject, ImportRun, Member, Pool
from scrm.jobs import running
from scrm.staff.models import User

pytestmark = pytest.mark.django_db(transaction=True)
FILE = """会员卡号,姓名,净资产,档次,兴趣,首次到店,有车,备注栏
C1,甲,50万,中,tea、wine,2024/3/1,是,随便
C2,乙,"1,200.5",high,,20240302,否,
C3,丙,很多,mid,tea,2024-03-03,是,
C4,丁,1,?,tea,2024-03-04,是,
C5,戊,1,mid,beer,2024-13-01,也许,
C6,己,,,,,,
"""


@pytest.fixture
def files(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def fields(pool: Pool) -> None:
    def declare(key: str, kind: str, *choices: Choice) -> None:
        attributes.create_field(pool=pool, key=key, kind=kind, label=key, choices=choices, actor=None)

    declare("worth", "number")
    declare("band", "choice", Choice("low", "低"), Choice("mid", "中"), Choice("high", "高"))
    declare("likes", "multi_choice", Choice("wine"), Choice("tea"))
    declare("since", "date")
    declare("car", "boolean")


MAPPING = {
    "id:card_no": "会员卡号",
    "name": "姓名",
    "attr:worth": "净资产",
    "attr:band": "档次",
    "attr:likes": "兴趣",
    "attr:since": "首次到店",
    "attr:car": "有车",
    "attr:备注栏": "备注栏",
}


def bring(pool: Pool, actor: User, text: str) -> ImportRun:
    channel = Channel.objects.get(code="pos")
    file = ContentFile(text.encode(), name="m.csv")
    run = imports.upload(pool=pool, kind="members", file=file, file_name="m.csv", actor=actor, channel=channel)
    imports.save_mapping(run=run, mapping=MAPPING, options=run.options, channel=channel, actor=actor)
    job = imports.start_import(run=run, actor=actor)
    assert running.run(job.pk, heart=False) == "done"
    run.refresh_from_db()
    return run


@pytest.mark.usefixtures("files", "fields")
def test_a_file_fills_fields_and_bad_cells_name_their_column(pool: Pool, staff: dict[str, User]) -> None:
    run = bring(pool, staff["operator"], FILE)
    found = {member.name: member.attributes for member in Member.objects.filter(pool=pool)}
    assert found["甲"] == {
        "worth": 500000,
        "band": "mid",
        "likes": ["wine", "tea"],
        "since": "2024-03-01",
        "car": True,
        "备注栏": "随便",
    }
    assert found["乙"] == {"worth": 1200.5, "band": "high", "since": "2024-03-02", "car": False}
    assert found["己"] == {}
    assert set(found) == {"甲", "乙", "己"}
    refused = set(ImportReject.objects.filter(run=run).values_list("line", "column", "code"))
    assert refused == {
        (4, "净资产", "not_a_number"),
        (5, "档次", "unknown_choice"),
        (6, "兴趣", "unknown_choice"),
        (6, "首次到店", "bad_date"),
        (6, "有车", "not_yes_or_no"),
    }


@pytest.mark.usefixtures("files", "fields")
def test_the_same_file_again_changes_nothing(pool: Pool, staff: dict[str, User]) -> None:
    bring(pool, staff["operator"], FILE)
    before = dict(Member.objects.filter(pool=pool).values_list("pk", "updated_at"))
    bring(pool, staff["operator"], FILE + "\n")
    assert dict(Member.objects.filter(pool=pool).values_list("pk", "updated_at")) == before


@pytest.mark.usefixtures("files", "fields")
def test_the_mapping_page_offers_the_pools_fields(pool: Pool, staff: dict[str, User], login: Callable[[str], Any]) -> None:
    channel = Channel.objects.get(code="pos")
    run = imports.upload(
        pool=pool, kind="members", file=ContentFile(BytesIO(FILE.encode()).read(), name="m.csv"), file_name="m.csv",
        actor=staff["operator"], channel=channel,
    )  # fmt: skip
    page = login("operator").get(f"/p/demo/imports/{run.pk}/map/").content.decode()
    assert 'name="map:attr:worth"' in page
