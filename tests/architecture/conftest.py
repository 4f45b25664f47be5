"""One row of each kind in the other pool, for tests that ask for it from inside one's own."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from members import exporting, merging
from members.care import services as care
from members.importing import mappings
from members.importing import services as importing
from members.models import (
    AttributeField,
    BulkAct,
    Community,
    Consent,
    Erasure,
    ExportRequest,
    Guard,
    Handover,
    Member,
    Merge,
    Pool,
    PoolAccess,
    Rehearsal,
    Review,
    SavedView,
    Store,
    Tag,
    TagGroup,
    TagMerge,
)
from members.tracking import services as tracking
from scrm.jobs.models import JobRun
from scrm.lib import clock
from scrm.staff import tokens
from scrm.staff.models import User
from segmentation.models import TagRule
from tests import factories
from tests.campaigns.conftest import EVERYBODY, segment_of

Each = Callable[[Iterable[Any], Callable[[Any], None]], None]


@pytest.fixture
def each(subtests: pytest.Subtests, db: None) -> Each:
    """`each(PAGES, check)`: every one is a sub-test over the same rows, and what it writes the next does not see.

    Making people and rows anew for each of hundreds of addresses took longer than asking them.
    """

    def ask(items: Iterable[Any], check: Callable[[Any], None]) -> None:
        for item in items:
            with subtests.test(str(item)), transaction.atomic():
                check(item)
                transaction.set_rollback(True)

    return ask


@pytest.fixture
def theirs(other_pool: Pool, pool: Pool, settings: Any, tmp_path: Any) -> dict[str, Any]:
    """One row of each kind in the other pool."""
    import io

    from campaigns import services as campaigns
    from loyalty import services as loyalty
    from segmentation.segments.hooks import services as hooks
    from segmentation.standings import services as standings
    from touchpoints import services as reach
    from touchpoints.models import Block

    settings.MEDIA_ROOT = tmp_path
    now = clock.now()
    admin = factories.user("admin", other_pool, "admin")
    member: Member = factories.member(other_pool, "Carol", phone="13900000009", email="carol@example.com")
    order = factories.order(member, "N1", now, 100)
    factories.line(order, 1, factories.product(other_pool, "sku"), 100)
    Consent.objects.create(member=member, carrier="email", purpose="marketing", granted=True, at=now, source="test")
    Block.objects.create(member=member, carrier="email", reason="staff", at=now)
    loyalty.adjust(member=member, amount=50, reason="x", key="k0", actor=admin, at=now)
    group = TagGroup.objects.create(pool=other_pool, name="G")
    segment = segment_of(other_pool, EVERYBODY)
    connector = reach.save_connector(pool=other_pool, key="fake", name="Fake", config={"mode": "record"})
    campaign = campaigns.create(pool=other_pool, actor=admin, name="X", segment=segment)
    job = JobRun.objects.create(pool_id=other_pool.pk, kind="members.import")
    token, _secret = tokens.issue(user=admin, pool_id=other_pool.pk, role="admin", name="t", scopes=[])
    return {
        "admin": admin,
        "member": member,
        "order": order,
        "group": group,
        **_tags(other_pool, group, now),
        "bulk": BulkAct.objects.create(pool=other_pool, act="tag", params={}, at=now),
        "view": SavedView.objects.create(pool=other_pool, owner=admin, name="V", query="stage=1"),
        "mapping": mappings.keep(
            pool=other_pool, name="会员导出", kind="members", mapping={"id:phone": "手机号"}, columns=["手机号"], actor=None
        ),
        "file": importing.upload(
            pool=other_pool,
            kind="members",
            file=io.BytesIO("姓名,手机号\n甲,13800000001\n".encode()),
            file_name="a.csv",
            actor=admin,
        ),
        "connector": connector,
        "content": reach.save_content(
            pool=other_pool, carrier="email", name="C", subject="s", body="b", link="https://a.example/"
        ),
        "step": reach.open_step(pool=other_pool, source="test:1", connector=connector, due_at=now),
        "segment": segment,
        "scheme": standings.save(pool=other_pool, family="ladder", name="S", settings={}, actor=admin),
        "hook": hooks.create(segment=segment, url="https://a.example/", tells_entered=True, tells_left=True, actor=admin).hook,
        "campaign": campaign,
        "layer": campaign.layers.get(),
        "job": job,
        "export": _exported(other_pool, admin, now),
        "erasure": Erasure.objects.create(
            pool=other_pool, member_hash=b"x" * 16, cause="person", reason="asked", requested_at=now
        ),
        "merge": _merged(other_pool, now),
        "apart": merging.say_apart(
            pool=other_pool, one=member.pk, two=factories.member(other_pool, "Dave").pk, reason="", actor=admin, as_of=now
        ),
        "review": Review.objects.create(
            pool=other_pool,
            one_id=member.pk,
            two_id=factories.member(other_pool, "Eve").pk,
            reason="asked",
            status="ignored",
            at=now,
        ),
        "guard": Guard.objects.create(pool=other_pool, kind="phone", value_hash=b"x" * 16, reason="blocked", at=now),
        "search": Rehearsal.objects.create(pool=other_pool, signals=["name_tail"], at=now),
        "access": PoolAccess.objects.get(user=admin, pool=other_pool),
        "field": AttributeField.objects.create(pool=other_pool, key="band", label="Band", kind="text"),
        "archived": _archived(admin),
        "pool": other_pool,
        "store": Store.objects.create(pool=other_pool, code="S1", name="S", created_at=now),
        "community": Community.objects.create(pool=other_pool, external_id="wr", name="W", created_at=now),
        "handover": Handover.objects.create(pool=other_pool, kind="assign", reason="x", moved=1, created_at=now),
        "token": token,
        "note": care.write_note(member=member, text="x", actor=admin, as_of=now),
        "task": care.give_task(member=member, text="x", assignee=admin, due_on=now.date(), actor=admin, as_of=now),
        "site": tracking.save_site(
            pool=other_pool,
            site=None,
            name="S",
            origins=["https://a.example"],
            channel=None,
            consent="asked",
            is_active=True,
            actor=admin,
            as_of=now,
        ),
    }


def _archived(owner: User) -> Pool:
    made = factories.pool("archived", "Archived", is_archived=True)
    PoolAccess.objects.create(user=owner, pool=made, role="admin")
    return made


def _exported(pool: Pool, owner: User, now: Any) -> ExportRequest:
    made = ExportRequest.objects.create(
        pool=pool, requester=owner, purpose="other", status="done", created_at=now, expires_at=now + timedelta(days=1)
    )
    path = exporting.path_of(made)
    path.parent.mkdir(parents=True)
    path.write_text("x")
    return made


def _tags(pool: Pool, group: TagGroup, now: Any) -> dict[str, Any]:
    """A tag, one that a rule keeps, and one that became the first."""
    tag, ruled, old = (Tag.objects.create(pool=pool, group=group, name=name) for name in ("T", "R", "O"))
    return {
        "tag": tag,
        "tag_rule": TagRule.objects.create(pool=pool, tag=ruled, rule=EVERYBODY),
        "tag_merge": TagMerge.objects.create(pool=pool, source=old, target=tag, at=now, done_at=now),
    }


def _merged(pool: Pool, now: Any) -> Merge:
    pair = (factories.member(pool, "Eve").pk, factories.member(pool, "Eva").pk)
    merging.merge_pairs(pool_id=pool.pk, pairs=[pair], cause=merging.Cause(), actor=None, as_of=now)
    return Merge.objects.get(pool=pool)
