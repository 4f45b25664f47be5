"""The ledger against a plain reading of it: whatever order reports come in, the latest word holds."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from members import consents
from members.models import Consent, ConsentEntry, Member, Pool
from scrm.lib import sql
from scrm.lib.problems import Problem
from tests import factories

pytestmark = pytest.mark.django_db
Said = tuple[int, str, str, bool | None, int | None, str]  # member, carrier, purpose, granted, minute, wording


def say(pool: Pool, rows: list[Said], as_of: datetime, source: str = "import:1") -> consents.Recorded:
    """Through a table, as an import does."""
    sql.run(
        "CREATE TEMP TABLE IF NOT EXISTS said (member_id bigint, carrier text, purpose text, granted boolean,"
        " at timestamptz, wording text)"
    )
    sql.run("TRUNCATE said")
    for member, carrier, purpose, granted, minute, wording in rows:
        at = as_of + timedelta(minutes=minute) if minute is not None else None
        values = {"m": member, "c": carrier, "p": purpose, "g": granted, "at": at, "w": wording}
        sql.run("INSERT INTO said VALUES (%(m)s, %(c)s, %(p)s, %(g)s, %(at)s, %(w)s)", values)
    return consents.record_many(pool_id=pool.pk, table="said", source=source, actor=None, as_of=as_of)


def held(member: Member) -> dict[tuple[str, str], tuple[bool, str]]:
    return {(row.carrier, row.purpose): (row.granted, row.wording) for row in Consent.objects.filter(member=member)}


class TestMany:
    def test_a_small_table(self, pool: Pool, alice: Member, bob: Member, as_of: datetime) -> None:
        done = say(
            pool,
            [
                (alice.pk, "sms", "marketing", True, -60, "v1"),
                (alice.pk, "sms", "marketing", False, -30, ""),
                (alice.pk, "email", "marketing", True, None, "v2"),
                (bob.pk, "sms", "service", True, -10, "v1"),
                (bob.pk, "pigeon", "marketing", True, -10, ""),
                (bob.pk, "sms", "fun", True, -10, ""),
                (bob.pk, "sms", "marketing", None, -10, ""),
                (999_999, "sms", "marketing", True, -10, ""),
            ],
            as_of,
        )
        assert (done.entries, done.changed) == (4, 3)
        assert held(alice) == {("sms", "marketing"): (False, ""), ("email", "marketing"): (True, "v2")}
        assert held(bob) == {("sms", "service"): (True, "v1")}
        assert Consent.objects.get(member=alice, carrier="email").at == as_of

    def test_the_same_again_is_nothing(self, pool: Pool, alice: Member, as_of: datetime) -> None:
        rows: list[Said] = [(alice.pk, "sms", "marketing", True, -5, "v1")]
        say(pool, rows, as_of)
        assert say(pool, rows, as_of) == consents.Recorded(0, 0)

    def test_an_older_grant_never_overrides_a_newer_withdrawal(self, pool: Pool, alice: Member, as_of: datetime) -> None:
        say(pool, [(alice.pk, "sms", "marketing", False, -5, "")], as_of)
        done = say(pool, [(alice.pk, "sms", "marketing", True, -60, "v1")], as_of)
        assert (done.entries, done.changed) == (1, 0)
        assert held(alice) == {("sms", "marketing"): (False, "")}

    def test_at_the_same_instant_the_withdrawal_holds(self, pool: Pool, alice: Member, as_of: datetime) -> None:
        for first in (True, False):
            Consent.objects.all().delete()
            ConsentEntry.objects.all().delete()
            say(pool, [(alice.pk, "sms", "marketing", first, -5, "")], as_of)
            say(pool, [(alice.pk, "sms", "marketing", not first, -5, "")], as_of)
            assert held(alice) == {("sms", "marketing"): (False, "")}
            assert not ConsentEntry.objects.get().granted

    def test_the_future_counts_as_now(self, pool: Pool, alice: Member, as_of: datetime) -> None:
        say(pool, [(alice.pk, "sms", "marketing", True, 60, "")], as_of)
        assert Consent.objects.get().at == as_of

    def test_members_of_another_pool_are_left_out(self, pool: Pool, other_pool: Pool, as_of: datetime) -> None:
        stranger = factories.member(other_pool, "S")
        assert say(pool, [(stranger.pk, "sms", "marketing", True, -5, "")], as_of) == consents.Recorded(0, 0)

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_any_order_of_arrival_gives_the_same(self, data: Any, pool: Pool, alice: Member, as_of: datetime) -> None:
        Consent.objects.all().delete()
        ConsentEntry.objects.all().delete()
        word = st.tuples(st.sampled_from(["sms", "email"]), st.booleans(), st.integers(-5, 0))
        words = data.draw(st.lists(word, max_size=12))
        cuts = data.draw(st.lists(st.integers(0, len(words)), max_size=3).map(sorted))
        for lo, hi in zip([0, *cuts], [*cuts, len(words)], strict=True):
            say(pool, [(alice.pk, carrier, "marketing", granted, at, "") for carrier, granted, at in words[lo:hi]], as_of)
        expected = {}
        for carrier in {each[0] for each in words}:
            mine = [(at, not granted) for each, granted, at in words if each == carrier]
            expected[carrier, "marketing"] = (not max(mine)[1], "")
        assert held(alice) == expected
        assert ConsentEntry.objects.count() == len({(carrier, at) for carrier, _granted, at in words})


class TestWordings:
    def test_versions_never_change(self, pool: Pool, as_of: datetime) -> None:
        given: dict[str, Any] = {"pool": pool, "carrier": "sms", "purpose": "marketing", "actor": None}
        consents.add_wording(**given, version="v1", text="我同意", valid_from=as_of - timedelta(days=9))
        later = consents.add_wording(**given, version="v2", text="我也同意", valid_from=as_of + timedelta(days=1))
        with pytest.raises(Problem) as refusal:
            consents.add_wording(**given, version="v2", text="别的", valid_from=as_of)
        assert refusal.value.code == "wording.taken"
        assert consents.in_force(pool, as_of)["sms", "marketing"].version == "v1"
        assert consents.in_force(pool, as_of + timedelta(days=2))["sms", "marketing"] == later

    def test_page_and_api(self, login: Callable[[str], Client], api: Callable[..., APIClient]) -> None:
        said = {"carrier": "sms", "purpose": "marketing", "version": "v1", "text": "我同意接收短信"}
        assert login("operator").post("/p/demo/privacy/consents/wordings/", said).status_code == 302
        assert login("operator").post("/p/demo/privacy/consents/wordings/", said).status_code == 422
        assert login("analyst").get("/p/demo/privacy/consents/wordings/").status_code == 403
        assert api("operator").post("/api/consent-wordings/", said).data["code"] == "wording.taken"
        assert api("operator").post("/api/consent-wordings/", {**said, "version": "v2"}).status_code == 201
        assert len(api("analyst").get("/api/consent-wordings/").data["results"]) == 2


class TestOverview:
    def test_coverage_and_the_members_behind_it(
        self, pool: Pool, alice: Member, bob: Member, as_of: datetime, login: Callable[[str], Client]
    ) -> None:
        carol = factories.member(pool, "Carol")
        say(pool, [(alice.pk, "sms", "marketing", True, -5, "v1"), (bob.pk, "sms", "marketing", False, -5, "")], as_of)
        found = next(row for row in consents.coverage(pool) if (row.carrier, row.purpose) == ("sms", "marketing"))
        assert (found.granted, found.withdrawn, found.silent, found.versions) == (1, 1, 1, [("v1", 1)])
        assert list(consents.who(pool, "sms.marketing.granted")) == [alice.pk]
        assert list(consents.who(pool, "sms.marketing.granted.v1")) == [alice.pk]
        assert list(consents.who(pool, "sms.marketing.granted.v2")) == []
        assert list(consents.who(pool, "sms.marketing.withdrawn")) == [bob.pk]
        assert list(consents.who(pool, "sms.marketing.silent")) == [carol.pk]
        with pytest.raises(ValueError, match="x"):
            consents.who(pool, "x")
        page = login("analyst").get("/p/demo/privacy/consents/")
        assert "consent_state=sms.marketing.granted.v1" in page.content.decode()
        assert "Alice" in login("analyst").get("/p/demo/members/?consent_state=sms.marketing.granted").content.decode()

    def test_changes_per_day_of_the_pool(
        self, pool: Pool, alice: Member, as_of: datetime, login: Callable[[str], Client]
    ) -> None:
        say(
            pool, [(alice.pk, "sms", "marketing", True, -60 * 24, ""), (alice.pk, "sms", "marketing", False, -60 * 13, "")], as_of
        )
        rows = consents.changes(pool, as_of, 3)  # noon in Shanghai; thirteen hours before is the day before
        assert [(row["granted"], row["withdrawn"]) for row in rows] == [(0, 0), (1, 1), (0, 0)]
        assert login("analyst").get("/p/demo/charts/consent_changes.json").status_code == 200
