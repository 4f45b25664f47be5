"""Whether one member may be written to now, said by the policy itself; and a content tried on oneself."""

from datetime import timedelta

import pytest

from members.models import Consent
from tests import factories
from touchpoints import reachable, services
from touchpoints.models import Block

pytestmark = pytest.mark.django_db


@pytest.fixture
def connector(pool):
    pool.settings["policy"] = {"quiet_start": "", "quiet_end": ""}
    pool.save()
    return services.save_connector(pool=pool, key="fake", name="邮件", config={})


def agree(member, as_of, granted=True):
    Consent.objects.update_or_create(
        member=member, carrier="email", purpose="marketing", defaults={"granted": granted, "at": as_of, "source": "test"}
    )


def reason(member, as_of):
    (way,) = reachable.ways(member, as_of)
    return way.reason


def test_every_reason_in_the_policys_order(pool, alice, connector, as_of):
    assert reason(alice, as_of) == "no_consent"
    agree(alice, as_of)
    assert reason(alice, as_of) == ""
    agree(alice, as_of, granted=False)
    assert reason(alice, as_of) == "unsubscribed"
    Block.objects.create(member=alice, carrier="email", reason="complained", at=as_of)
    assert reason(alice, as_of) == "blocklisted"
    nobody = factories.member(pool, "无名")
    assert reason(nobody, as_of) == "no_address"


def test_quiet_hours_only_delay(pool, alice, connector, as_of):
    pool.settings["policy"] = {"quiet_start": "21:00", "quiet_end": "09:00"}
    pool.save()
    agree(alice, as_of)
    alice.pool.refresh_from_db()
    assert reason(alice, as_of + timedelta(hours=11)) == ""


def test_the_tab_says_it_in_words(login, alice, connector):
    page = login("operator").get(f"/p/demo/members/{alice.pk}/panels/reach/").content.decode()
    assert "没有同意接收" in page
    assert "试发" not in page
    assert "试发" in login("marketer").get(f"/p/demo/members/{alice.pk}/panels/reach/").content.decode()


def test_a_content_is_tried_as_the_member_would_get_it_and_the_member_gets_nothing(pool, login, alice, connector, monkeypatch):
    content = services.save_content(pool=pool, carrier="email", name="问候", subject="{{member.name}} 您好", body="正文")
    sent = []

    class Line:
        def send(self, messages, _deadline):
            from touchpoints.connectors.base import Accepted

            sent.extend(messages)
            return [Accepted("ref-1")]

        def close(self):
            """Nothing is open."""

    monkeypatch.setattr("touchpoints.accounts.opened", lambda _connector: Line())
    said = {"content": content.pk, "connector": connector.pk, "address": "me@example.com"}
    answer = login("marketer").post(f"/p/demo/reach/members/{alice.pk}/try/", said)
    assert answer.url.endswith("?tab=reach")
    assert [(message.address, message.subject) for message in sent] == [("me@example.com", "Alice 您好")]
    assert not alice.deliveries.exists()


def test_a_content_of_another_carrier_is_refused(pool, login, alice, connector):
    content = services.save_content(pool=pool, carrier="sms", name="短信", body="正文")
    said = {"content": content.pk, "connector": connector.pk, "address": "me@example.com"}
    client = login("marketer")
    client.post(f"/p/demo/reach/members/{alice.pk}/try/", said)
    assert "不发送这种内容" in client.get(f"/p/demo/members/{alice.pk}/").content.decode()
