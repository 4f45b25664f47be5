import pytest

from scrm.staff.models import AuditEntry
from tests.touchpoints.conftest import agree
from touchpoints import outbox, policy, services
from touchpoints.models import Connector, Content, Delivery

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(open_step, alice, bob, content, as_of):
    agree(alice)
    step = open_step()
    services.plan_deliveries(step=step, candidates=services.Candidates.of([alice.pk, bob.pk], content.pk), as_of=as_of)
    outbox.pump(step.pk, as_of=as_of)
    return step


def test_an_admin_makes_tries_and_stops_a_connector(login, pool):
    client = login("admin")
    page = client.get("/p/demo/connectors/new/fake/")
    assert page.status_code == 200
    answer = client.post("/p/demo/connectors/new/fake/", {"name": "模拟", "mode": "record"})
    row = Connector.objects.get()
    assert answer["Location"].endswith(f"/connectors/{row.pk}/")
    assert client.post(f"/p/demo/connectors/{row.pk}/test/").status_code == 302
    assert client.post(f"/p/demo/connectors/{row.pk}/send-test/", {"address": "me@example.com"}).status_code == 302
    page = client.get(f"/p/demo/connectors/{row.pk}/").content.decode()
    assert 'type="email"' in page
    assert "模拟通道" in client.get("/p/demo/connectors/").content.decode()
    assert "测试消息" in page
    assert "m***@example.com" in page
    client.post(f"/p/demo/connectors/{row.pk}/switch/")
    assert not Connector.objects.get().is_active
    assert {"connector.save", "connector.test", "connector.send_test", "connector.disable"} <= set(
        AuditEntry.objects.values_list("action", flat=True)
    )


def test_a_secret_is_never_shown_again(login, pool):
    config = {"host": "127.0.0.1", "port": 25, "from_email": "a@example.com"}
    row = services.save_connector(pool=pool, key="email_smtp", name="m", config=config, secrets={"password": "planted-secret"})
    client = login("admin")
    for page in ("", "edit/"):
        assert "planted" not in client.get(f"/p/demo/connectors/{row.pk}/{page}").content.decode()
    client.post(f"/p/demo/connectors/{row.pk}/edit/", {**config, "name": "m2", "security": "none", "timeout": 5, "password": ""})
    from touchpoints.connectors.registry import unseal

    assert unseal(Connector.objects.get()) == {"password": "planted-secret"}
    assert Connector.objects.get().name == "m2"


def test_mistakes_stand_at_their_fields(login, pool):
    answer = login("admin").post(
        "/p/demo/connectors/new/email_smtp/",
        {"name": "m", "host": "x", "port": 99999, "from_email": "no", "security": "none", "timeout": 5},
    )
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) >= {"port", "from_email"}


@pytest.mark.parametrize(
    ("role", "path", "code"),
    [("marketer", "connectors/", 200), ("marketer", "connectors/new/fake/", 403), ("operator", "connectors/", 403),
     ("analyst", "inbox/", 403),
     ("marketer", "inbox/", 200), ("marketer", "reach/policy/", 200), ("operator", "reach/policy/", 403)],
)  # fmt: skip
def test_who_may_see_what(login, role, path, code):
    assert login(role).get(f"/p/demo/{path}").status_code == code


def test_a_connector_of_another_pool_does_not_exist(login, other_pool):
    row = services.save_connector(pool=other_pool, key="fake", name="x", config={"mode": "record"})
    assert login("admin").get(f"/p/demo/connectors/{row.pk}/").status_code == 404


def test_the_policy_page_saves_and_refuses(login, pool, sent):
    client = login("marketer")
    page = client.get("/p/demo/reach/policy/").content.decode()
    assert "没有同意接收" in page
    values = {"cap_day": 2, "cap_week": 5, "quiet_start": "22:00", "quiet_end": "08:00", "consent": "required", "stage_4": 1}
    assert client.post("/p/demo/reach/policy/", values).status_code == 302
    pool.refresh_from_db()
    assert policy.of(pool) == policy.Policy(2, 5, "22:00", "08:00", "required", {"4": 1})
    assert client.post("/p/demo/reach/policy/", {**values, "cap_week": 1}).status_code == 422
    assert AuditEntry.objects.filter(action="policy.save").count() == 1


def test_the_inbox_shows_a_mail_in_a_frame_without_scripts(login, tmp_path, settings):
    settings.INBOX_DIR = tmp_path
    raw = "To: m@example.com\r\nSubject: Hi\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>x</p><script>alert(1)</script>\"'"
    (tmp_path / "1793505600000000000-0a0b0c0d.eml").write_bytes(raw.encode())
    client = login("marketer")
    assert "Hi" in client.get("/p/demo/inbox/").content.decode()
    page = client.get("/p/demo/inbox/1793505600000000000-0a0b0c0d/").content.decode()
    assert "<script>alert" not in page
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    assert client.get("/p/demo/inbox/..%2Fx/").status_code == 404


def test_a_members_page_tells_of_messages_and_why_not(sent, alice, bob):
    from touchpoints import shown

    assert [moment.title for moment in shown.deliveries(alice, None, 5)] == ["已发送：Hello"]
    assert [moment.text for moment in shown.deliveries(bob, None, 5)] == ["没有同意接收"]


# -- API -----------------------------------------------------------------------------------------
def test_the_api_takes_secrets_and_gives_none(api):
    client = api("admin")
    given = {"key": "webhook", "name": "w", "config": {"url": "http://127.0.0.1:9/"}, "secrets": {"secret": "planted-secret"}}
    made = client.post("/api/connectors/", given, format="json")
    assert made.status_code == 201
    assert "planted" not in made.content.decode()
    assert "secrets" not in made.json()
    assert "planted" not in client.get("/api/connectors/").content.decode()
    refused = client.post("/api/connectors/", {**given, "config": {"url": "nonsense"}, "name": "x"}, format="json")
    assert refused.status_code == 422
    assert "url" in refused.json()["fields"]


def test_the_api_refuses_a_content_with_the_place_of_the_mistake(api):
    client = api("marketer")
    good = {"carrier": "email", "name": "c", "subject": "s", "body": "Hi {{member.name}}", "link": ""}
    assert client.post("/api/contents/", good, format="json").status_code == 201
    refused = client.post("/api/contents/", {**good, "body": "Hi {{member.secret}}"}, format="json")
    assert refused.status_code == 422
    assert "第 1 行第 6 列" in refused.json()["fields"]["body"][0]


def test_a_content_in_use_is_not_changed(api, sent, content):
    answer = api("marketer").put(
        f"/api/contents/{content.pk}/", {"carrier": "email", "name": "new", "subject": "s", "body": "b"}, format="json"
    )
    assert answer.status_code == 200
    assert answer.json()["id"] != content.pk
    assert Content.objects.get(pk=content.pk).name == "Hello"


def test_the_api_reads_deliveries_and_takes_receipts(api, sent, alice, bob, fake, as_of):
    client = api("admin")
    rows = client.get(f"/api/deliveries/?step={sent.pk}").json()["results"]
    assert [(row["status"], row["reason"]) for row in rows] == [("accepted", ""), ("suppressed", "no_consent")]
    report = {"key": rows[0]["key"], "kind": "read", "at": as_of.isoformat()}
    for expected in (1, 0):
        answer = client.post("/api/receipts/", {"connector": fake.pk, "receipts": [report]}, format="json")
        assert answer.json() == {"new": expected}
    assert Delivery.objects.get(member=alice).status == Delivery.Status.READ
    assert client.get(f"/api/steps/{sent.pk}/").json()["counts"]["opened"] == 1
    assert client.get("/api/contact-policy/").json()["cap_day"] == 1
    assert client.post("/api/blocks/", {"member_id": bob.pk, "carrier": "email"}, format="json").status_code == 201


def test_the_api_is_closed_to_other_roles(api):
    assert api("operator").get("/api/connectors/").status_code == 403
    assert api("marketer").post("/api/receipts/", {}, format="json").status_code == 403
