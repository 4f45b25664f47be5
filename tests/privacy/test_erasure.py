"""Erasing a person leaves no trace: everything the product can know about somebody, then a search of a dump."""

import base64
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.test import Client
from psycopg2 import sql as pg
from rest_framework.test import APIClient

from members import exporting, services
from members.importing import pipeline
from members.importing import services as imports
from members.models import (
    AccessEntry,
    Channel,
    Erasure,
    Event,
    Identity,
    ImportReject,
    ImportRun,
    Member,
    Merge,
    Order,
    Pool,
    SavedView,
    Tag,
    TagGroup,
    Tombstone,
)
from members.privacy import deciding, erasing, tombstones
from scrm.jobs import running
from scrm.jobs.models import JobRun
from scrm.lib import sql
from scrm.lib.problems import Problem
from scrm.staff.models import User
from segmentation.models import Segment, SegmentSnapshot

pytestmark = pytest.mark.django_db

NAME, FORMER = "欧阳珺璟", "欧阳翡翠"
PHONE, EMAIL, OPENID = "13977712345", "ouyang.junjing@mailbox.example", "oXk9-TraceMe-77"
NICK, CARD, ORDER, WORD = "珺璟小店铺主", "VIPCARD0099881", "TM20261107556677", "孕妇防辐射服"
SECRETS = [NAME, FORMER, PHONE, EMAIL, OPENID, NICK, CARD, ORDER, WORD]


def encodings(text: str) -> Iterator[bytes]:
    """A text in every way it may lie in a table or a file."""
    for raw in {text.encode(), text.encode("gb18030"), text.encode("utf-16-le"), text.upper().encode()}:
        yield raw
        yield raw.hex().encode()
        yield raw.hex().upper().encode()
        for shift in range(3):  # base64 of a longer text that contains it
            coded = base64.b64encode(b"\0" * shift + raw)
            yield coded[4 if shift else 0 : len(coded) // 4 * 4 - 4]
    yield quote(text).encode()
    yield json.dumps(text)[1:-1].encode()


def dump() -> Iterator[tuple[str, bytes]]:
    """Every table of the database as text, and every file of the product."""
    for (name,) in sql.fetch("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'"):
        out = io.BytesIO()
        sql.copy_out(pg.SQL("COPY (SELECT * FROM {}) TO STDOUT").format(pg.Identifier(name)), out)
        yield name, out.getvalue()
    for home in (settings.MEDIA_ROOT, settings.INBOX_DIR):
        for path in Path(home).rglob("*"):
            if path.is_file():
                yield str(path), path.read_bytes()
                if zipfile.is_zipfile(path):
                    with zipfile.ZipFile(path) as archive:
                        yield from ((f"{path}!{part}", archive.read(part)) for part in archive.namelist())


def traces(*secrets: str) -> dict[str, set[str]]:
    """Which secret lies where."""
    wanted = {secret: {each for each in encodings(secret) if len(each) >= 6} for secret in secrets}
    found: dict[str, set[str]] = {}
    for place, content in dump():
        for secret, forms in wanted.items():
            if any(form in content for form in forms):
                found.setdefault(place, set()).add(secret)
    return found


def erase(member: Member, actor: User, as_of: datetime, **more: Any) -> Erasure:
    given = {"cause": "person", "reason": "本人来电申请", "typed": str(member.pk), "block": True, **more}
    made = erasing.request(member=member, actor=actor, as_of=as_of, **given)
    assert running.run(made.job_id or 0, heart=False) == JobRun.Status.DONE, JobRun.objects.get(pk=made.job_id).error
    made.refresh_from_db()
    return made


def bring(pool: Pool, kind: str, text: str, as_of: datetime, channel: str = "tmall") -> ImportRun:
    where = Channel.objects.get(code=channel)
    run = imports.upload(pool=pool, kind=kind, file=io.BytesIO(text.encode()), file_name=f"{kind}.csv", actor=None, channel=where)
    run.counts = pipeline.run(run, as_of=as_of)
    return run


HEAD = "手机号,姓名,邮箱,openid,天猫昵称,会员卡号\n"
ROW = f"+86 139-7771-2345,{NAME},{EMAIL},{OPENID},{NICK},{CARD}\n"


@pytest.fixture
def known(
    pool: Pool,
    staff: dict[str, User],
    login: Callable[[str], Client],
    api: Callable[..., APIClient],
    alice: Member,
    as_of: datetime,
) -> Member:
    """A person with everything, made through the product itself."""
    bring(pool, "members", HEAD + ROW + "13800000077,别人,,,,\n" + f"1397771234,{NAME},bad@,,,\n", as_of)
    member = Member.objects.get(identities__kind="phone", identities__tail="2345", pool=pool)
    bring(pool, "orders", f"手机号,订单号,下单时间,实付金额\n{PHONE},{ORDER},2026-10-01 10:00,88.00\n{PHONE},,昨天,x\n", as_of)
    client = api("admin")
    client.post(
        "/api/events/",
        {
            "events": [
                {
                    "id": "e1",
                    "member": member.pk,
                    "kind": "search",
                    "occurred_at": "2026-10-02T10:00:00+08:00",
                    "properties": {"q": WORD},
                }
            ]
        },
    )
    client.patch(f"/api/members/{member.pk}/", {"name": FORMER}, headers={"Idempotency-Key": "k1"})
    client.patch(f"/api/members/{member.pk}/", {"name": NAME}, headers={"Idempotency-Key": "k2"})
    client.get(f"/api/members/{member.pk}/")
    browser = login("operator")
    browser.get(f"/p/demo/members/{member.pk}/")
    row = Identity.objects.get(member=member, kind="phone")
    browser.post(f"/p/demo/members/{member.pk}/reveal/", {"kind": "phone", "hash": bytes(row.value_hash).hex()})
    services.record_consent(
        member=member, carrier="email", purpose="marketing", granted=True, at=as_of, source="page", actor=None, wording="v1"
    )
    tag = Tag.objects.create(pool=pool, group=TagGroup.objects.create(pool=pool, name="g"), name="t")
    services.add_tag(tag=tag, members=[member.pk], actor=staff["operator"], as_of=as_of)
    SavedView.objects.create(pool=pool, owner=staff["operator"], name="找她", query=f"q={quote(NAME)}")
    lists(pool, [member, alice], as_of)
    sent(pool, member, as_of)
    files(pool, member, staff["operator"], as_of)
    return member


def lists(pool: Pool, people: list[Member], as_of: datetime) -> None:
    from pyroaring import BitMap

    ids = BitMap(each.pk for each in people)
    segment = Segment.objects.create(pool=pool, name="名单", kind="list", size=len(ids), as_of=as_of, status="ready")
    SegmentSnapshot.objects.create(segment=segment, version=1, as_of=as_of, size=len(ids), bitmap=ids.serialize())


def sent(pool: Pool, member: Member, as_of: datetime) -> None:
    """A message through the fake provider, and a copy of it in this machine's inbox."""
    from touchpoints import outbox
    from touchpoints import services as touchpoints

    fake = touchpoints.save_connector(pool=pool, key="fake", name="Fake", config={"mode": "record"})
    content = touchpoints.save_content(
        pool=pool,
        carrier="email",
        name="x",
        subject="{{member.name}}，您好",
        body="{{member.name}}",
        link="https://shop.example/",
    )
    step = touchpoints.open_step(pool=pool, source="test:1", connector=fake, due_at=as_of)
    touchpoints.plan_deliveries(step=step, candidates=touchpoints.Candidates.of([member.pk], content.pk), as_of=as_of)
    assert outbox.pump(step.pk, as_of=as_of).accepted == 1
    home = Path(settings.INBOX_DIR)
    home.mkdir(parents=True)
    body = base64.b64encode(f"{NAME}，您好".encode()).decode()
    text = f"X-Delivery-Key: d{step.pk}-{member.pk}\r\nTo: {EMAIL}\r\n\r\n{body}\r\n"
    (home / f"{1:019d}-0000000a.eml").write_text(text)
    (home / f"{2:019d}-0000000b.eml").write_text("X-Delivery-Key: d1-999999\r\nTo: other@example.com\r\n\r\nhello\r\n")


def files(pool: Pool, member: Member, actor: User, as_of: datetime) -> None:
    admin = User.objects.get(username="admin-demo")
    for form in ("csv", "xlsx"):
        export = exporting.request(
            pool=pool, chosen={"query": ""}, purpose="legal", reason="监管检查", full=True, form=form, actor=actor, as_of=as_of
        )
        exporting.decide(export=export, approve=True, note="", actor=admin, as_of=as_of)
        export.refresh_from_db()
        assert running.run(export.job_id or 0, heart=False) == "done"
    made = exporting.request_person(member=member, purpose="subject", reason="本人来电申请", actor=actor, as_of=as_of)
    assert running.run(made.job_id or 0, heart=False) == "done", JobRun.objects.get(pk=made.job_id).error


class TestNoTrace:
    def test_the_search_finds_what_is_there(self, known: Member) -> None:
        """Else finding nothing afterwards would say nothing."""
        found = traces(*SECRETS)
        said = {secret for secrets in found.values() for secret in secrets}
        assert said == set(SECRETS)
        assert {"members_member", "members_identity", "members_importreject", "staff_idempotentcall", "staff_auditentry"} <= set(
            found
        )
        assert any(place.endswith(".csv") for place in found)
        assert any(".xlsx!" in place for place in found)
        assert any(".zip!" in place for place in found)
        assert any(place.endswith(".eml") for place in found)

    def test_nothing_is_left(self, known: Member, staff: dict[str, User], as_of: datetime) -> None:
        made = erase(known, staff["admin"], as_of)
        assert traces(*SECRETS) == {}
        assert made.checked["found"] == 0
        assert made.checked["columns"] > 150

    def test_totals_stay(self, known: Member, staff: dict[str, User], as_of: datetime) -> None:
        erase(known, staff["admin"], as_of)
        (order,) = Order.objects.filter(pool=known.pool)
        assert (order.amount, order.number) == (8800, "")
        (event,) = Event.objects.filter(pool=known.pool)
        assert (event.kind, event.properties) == ("search", {})

    def test_others_keep_everything(self, known: Member, staff: dict[str, User], alice: Member, as_of: datetime) -> None:
        erase(known, staff["admin"], as_of)
        alice.refresh_from_db()
        assert alice.name == "Alice"
        assert alice.identities.count() == 2
        (row,) = SegmentSnapshot.objects.all()
        from pyroaring import BitMap

        assert list(BitMap.deserialize(bytes(row.bitmap))) == [alice.pk]
        assert (row.size, row.segment.size) == (1, 1)
        assert (Path(settings.INBOX_DIR) / f"{2:019d}-0000000b.eml").exists()

    def test_the_proof_counts_and_names_nobody(self, known: Member, staff: dict[str, User], as_of: datetime) -> None:
        made = erase(known, staff["admin"], as_of)
        assert made.status == Erasure.Status.DONE
        assert made.subject is None
        assert made.counts["members.Identity"] == 5
        assert made.counts["files:exports"] == 3
        assert made.counts["files:uploads"] == 2
        assert made.counts["files:inbox"] == 1
        assert bytes(made.member_hash) == erasing.hash_of(known.pk)
        assert erasing.proof_of(known.pool, known.pk) == made

    def test_who_looked_stays_answerable(self, known: Member, staff: dict[str, User], as_of: datetime) -> None:
        before = AccessEntry.objects.filter(member_id=known.pk).count()
        assert before >= 4  # page, reveal, API, the person's own copy
        erase(known, staff["admin"], as_of)
        assert AccessEntry.objects.filter(member_id=known.pk).count() == before

    def test_everybody_merged_into_them_goes_too(
        self, known: Member, staff: dict[str, User], alice: Member, as_of: datetime
    ) -> None:
        from members.merging import Cause, merge_pairs

        merge_pairs(pool_id=known.pool_id, pairs=[(known.pk, alice.pk)], cause=Cause("manual"), actor=staff["admin"], as_of=as_of)
        erase(known, staff["admin"], as_of)
        assert traces(*SECRETS, "Alice", "13800000001", "alice@example.com") == {}
        assert Merge.objects.get().sealed == "erased"
        assert erasing.erased(known.pool_id, [known.pk, alice.pk]) == {known.pk, alice.pk}


class TestComingBack:
    def test_an_old_file_does_not_bring_them_back(self, known: Member, staff: dict[str, User], as_of: datetime) -> None:
        erase(known, staff["admin"], as_of)
        run = bring(known.pool, "members", HEAD + ROW + "13800000078,新人,,,,\n", as_of)
        assert run.counts["new"] == 1
        assert [row.code for row in ImportReject.objects.filter(run=run)] == [tombstones.CODE]
        assert not Identity.objects.filter(pool=known.pool, tail="2345").exists()

    def test_nor_a_form(self, known: Member, staff: dict[str, User], as_of: datetime) -> None:
        erase(known, staff["admin"], as_of)
        with pytest.raises(Problem) as refusal:
            services.create_member(
                pool=known.pool, facts={"name": "x"}, known_as=[("phone", PHONE)], actor=staff["admin"], as_of=as_of
            )
        assert refusal.value.code == "identity.erased"

    def test_a_person_who_joins_again_is_a_new_one(self, known: Member, staff: dict[str, User], as_of: datetime) -> None:
        erase(known, staff["admin"], as_of)
        for kind, value in (("phone", "+86 " + PHONE), ("email", EMAIL)):
            assert tombstones.lift(pool=known.pool, kind=kind, value=value, actor=staff["admin"], as_of=as_of)
        made = services.create_member(
            pool=known.pool, facts={"name": NAME}, known_as=[("phone", PHONE)], actor=staff["admin"], as_of=as_of
        )
        assert made.pk != known.pk
        assert not Order.objects.filter(member=made).exists()

    def test_without_the_block_files_may(self, known: Member, staff: dict[str, User], as_of: datetime) -> None:
        erase(known, staff["admin"], as_of, block=False)
        assert not Tombstone.objects.exists()
        run = bring(known.pool, "members", HEAD + ROW, as_of)
        assert run.counts["new"] == 1


class TestAsking:
    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            ({"typed": "1"}, "erase.not_typed"),
            ({"cause": "mood"}, "erase.no_cause"),
            ({"reason": "x"}, "erase.no_reason"),
            ({"reason": "Alice 要求删除"}, "erase.personal_reason"),
            ({"reason": "删除 13800000001"}, "erase.personal_reason"),
        ],
    )
    def test_what_is_missing_is_named(
        self, alice: Member, staff: dict[str, User], as_of: datetime, wrong: dict[str, str], code: str
    ) -> None:
        with pytest.raises(Problem) as refusal:
            erase(alice, staff["admin"], as_of, **wrong)
        assert refusal.value.code == code
        assert not Erasure.objects.exists()

    def test_twice_is_once(self, alice: Member, staff: dict[str, User], as_of: datetime) -> None:
        erase(alice, staff["admin"], as_of)
        with pytest.raises(Problem):
            erase(alice, staff["admin"], as_of)

    def test_begun_again_after_a_crash(
        self, alice: Member, staff: dict[str, User], as_of: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def dies(person: Any) -> Any:
            raise KeyboardInterrupt

        kept = deciding.apply
        monkeypatch.setattr(deciding, "apply", dies)
        with pytest.raises(KeyboardInterrupt):
            erase(alice, staff["admin"], as_of)
        monkeypatch.setattr(deciding, "apply", kept)
        job = JobRun.objects.get(kind=erasing.KIND)
        JobRun.objects.filter(pk=job.pk).update(status="queued")
        assert running.run(job.pk, heart=False) == "done"
        assert Erasure.objects.get().status == "done"
        assert traces("13800000001", "alice@example.com") == {}

    def test_pages_and_api(
        self, login: Callable[[str], Client], api: Callable[..., APIClient], alice: Member, bob: Member, pool: Pool
    ) -> None:
        place = f"/p/demo/privacy/members/{alice.pk}/erase/"
        assert login("operator").get(place).status_code == 403
        browser = login("admin")
        assert browser.get(place).status_code == 200
        given = {"cause": "person", "reason": "本人来电申请", "typed": "0", "block": "on"}
        assert browser.post(place, given).status_code == 422
        answer = browser.post(place, {**given, "typed": str(alice.pk)})
        assert answer.status_code == 302
        made = Erasure.objects.get()
        assert browser.get(answer["Location"]).status_code == 200
        assert running.run(made.job_id or 0, heart=False) == "done"
        assert browser.get(answer["Location"] + "?form=json").json()["status"] == "done"
        assert browser.get(f"/p/demo/members/{alice.pk}/")["Location"].endswith(f"/members/{alice.pk}/erase/")
        assert login("operator").get(f"/p/demo/members/{alice.pk}/").status_code == 404
        client = api("admin")
        said = {"member": bob.pk, "cause": "person", "reason": "本人来电申请", "typed": "no"}
        assert client.post("/api/erasures/", said).data["code"] == "erase.not_typed"
        assert client.post("/api/erasures/", {**said, "typed": str(bob.pk)}).status_code == 202
        assert len(client.get("/api/erasures/").data["results"]) == 2
        assert client.get(f"/api/members/{alice.pk}/").status_code == 404
        assert api("operator").post("/api/erasures/", said).status_code == 403
