"""What becomes of each table when a person is erased, and of copies in time: nothing is forgotten."""

from datetime import datetime, timedelta

import pytest
from django.apps import apps
from django.db.models import BinaryField

from members.models import (
    Member,
    Pool,
)
from members.privacy import deciding, sealing
from scrm.jobs.models import JobRun
from scrm.staff.models import IdempotentCall, User
from tests.privacy.test_erasure import PHONE

pytestmark = pytest.mark.django_db


class TestNobodyIsForgotten:
    def test_every_table_is_decided_on(self) -> None:
        """A table with a key to a member, or with text: say what becomes of it in <app>/forgetting.py."""
        assert deciding.undecided() == []

    def test_no_decision_is_left_over(self) -> None:
        known = {model._meta.label for model in apps.get_models()} | {"import tables"}
        assert {*deciding.fates, *deciding.erasers} <= known

    def test_no_blanked_column_is_missing(self) -> None:
        for label, fate in deciding.fates.items():
            for name in fate.blank:
                apps.get_model(label)._meta.get_field(name)

    def test_texts_of_kept_facts_are_blanked(self) -> None:
        """Columns of text in rows of members that stay: emptied, or named here as never personal."""
        harmless = {
            "members.Order": {"store"},
            "members.AccessEntry": {"detail", "agent", "address"},
            "members.Event": {"kind"},
            "touchpoints.Delivery": {"reason"},
            "touchpoints.Receipt": {"digest", "kind"},
            "loyalty.Entry": {"key"},
            "campaigns.Participant": {"node"},
            "members.CommunityEvent": {"how"},
            "members.CommunityMember": {"how"},
        }
        for model in apps.get_models():
            fate = deciding.fates.get(model._meta.label)
            if fate and fate.act == "keep" and deciding.with_member(model) and model is not Member:
                left = set(deciding.with_text(model)) - set(fate.blank) - harmless.get(model._meta.label, set())
                assert not left, f"{model._meta.label}: {', '.join(sorted(left))}"

    def test_every_sealed_column_is_rotated(self) -> None:
        declared = {(each.label, each.column) for each in sealing.columns}
        columns = {
            (model._meta.label, field.name)
            for model in apps.get_models()
            for field in model._meta.local_concrete_fields
            if isinstance(field, BinaryField) and "sealed" in field.name
        }
        assert columns == declared


def test_old_calls_and_orders_go(pool: Pool, staff: dict[str, User], as_of: datetime) -> None:
    from members.privacy import retention

    IdempotentCall.objects.create(scope="a", key="k", request_hash=b"x", status=200, body={"phone": PHONE})
    JobRun.objects.create(kind="x", params={"ids": [1]}, status="done", finished_at=as_of - timedelta(days=31))
    IdempotentCall.objects.update(at=as_of - timedelta(hours=47))
    assert retention.forget(as_of=as_of) == {"exports": 0, "answers": 0, "jobs": 1, "looks": 0, "sign_ins": 0}
    assert retention.forget(as_of=as_of + timedelta(hours=2))["answers"] == 1
