"""Programs' tokens, their scopes, and writes that arrive twice."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from loyalty.models import EarningRule
from members.models import PoolAccess, Tag, TagGroup
from scrm.staff import tokens
from scrm.staff.models import ApiToken, AuditEntry
from tests import factories

pytestmark = pytest.mark.django_db
RULE = {"points": 1, "step": 100, "least": 0, "starts_at": "2026-11-01T00:00:00Z"}


def post(client, body=RULE, key=None):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post("/api/points/rules/", body, format="json", headers=headers)


def test_without_a_token_the_api_answers_401(client, pool):
    assert client.get("/api/points/rules/").status_code == 401


def test_a_scope_that_is_not_held_is_named(api):
    answer = post(api("marketer", scopes=["points.view"]))
    assert answer.status_code == 403
    assert "points.edit" in answer.json()["message"]


def test_a_token_cannot_hold_more_than_its_owner(staff, pool):
    with pytest.raises(ValueError, match=r"points\.edit"):
        tokens.issue(user=staff["analyst"], pool_id=pool.pk, role="analyst", name="x", scopes=["points.edit"])


def test_a_token_dies_with_its_revocation_and_with_the_owners_access(api, staff, pool):
    client = api("marketer")
    assert client.get("/api/points/rules/").status_code == 200
    PoolAccess.objects.filter(user=staff["marketer"]).delete()
    assert client.get("/api/points/rules/").status_code == 404
    client = api("operator")
    tokens.revoke(token=ApiToken.objects.get(user=staff["operator"]), actor=staff["operator"])
    assert client.get("/api/points/rules/").status_code == 401


def test_the_secret_is_not_in_the_database(staff, pool):
    token, secret = tokens.issue(user=staff["admin"], pool_id=pool.pk, role="admin", name="x", scopes=[])
    assert secret not in str(ApiToken.objects.values().get(pk=token.pk))


def test_a_repeated_write_gets_the_first_answer_and_writes_nothing(api):
    client = api("marketer")
    first, second = post(client, key="k1"), post(client, key="k1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert EarningRule.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(api):
    client = api("marketer")
    post(client, key="k1")
    answer = post(client, {**RULE, "points": 2}, key="k1")
    assert answer.status_code == 400
    assert EarningRule.objects.count() == 1


def test_keys_of_two_programs_do_not_meet(api):
    assert post(api("marketer"), key="k1").status_code == 201
    assert post(api("admin"), {**RULE, "points": 2}, key="k1").status_code == 201


def test_a_refused_write_leaves_no_key_behind(api):
    client = api("marketer")
    assert post(client, {**RULE, "step": "x"}, key="k1").status_code == 400
    assert post(client, key="k1").status_code == 201


def test_every_write_leaves_a_line_in_the_trail(api, login):
    post(api("marketer"))
    assert AuditEntry.objects.filter(action="points.rule").exists()
    assert "points.rule" in login("admin").get("/p/demo/settings/audit/").content.decode()
    assert login("operator").get("/p/demo/settings/audit/").status_code == 403


def test_a_403_page_names_the_missing_permission(login):
    assert "audit.view" in login("operator").get("/p/demo/settings/audit/").content.decode()


def test_a_new_token_is_shown_once(login):
    client = login("operator")
    page = client.post("/p/demo/settings/tokens/", {"name": "till", "scopes": ["points.view"]})
    secret = ApiToken.objects.get().prefix
    assert secret in page.content.decode()
    assert "scrm_" in page.content.decode()
    assert client.get("/p/demo/settings/tokens/").content.decode().count("scrm_") == 1  # the prefix alone


class TestTeam:
    def test_someone_joins_changes_role_and_leaves(self, login, pool):
        client = login("admin")
        client.post(
            "/p/demo/settings/team/",
            {"username": "xiaoli", "display_name": "小李", "password": "a long enough one", "role": "operator"},
        )
        access = PoolAccess.objects.get(user__username="xiaoli")
        client.post(f"/p/demo/settings/team/{access.pk}/", {"role": "analyst"})
        access.refresh_from_db()
        assert access.role == "analyst"
        client.post(f"/p/demo/settings/team/{access.pk}/", {"remove": "1"})
        assert not PoolAccess.objects.filter(user__username="xiaoli").exists()

    def test_the_last_administrator_stays(self, login, staff):
        access = PoolAccess.objects.get(user=staff["admin"])
        login("admin").post(f"/p/demo/settings/team/{access.pk}/", {"role": "analyst"})
        access.refresh_from_db()
        assert access.role == "admin"

    def test_a_user_of_another_pool_keeps_their_password(self, login, other_pool):
        guest = factories.user("guest", other_pool, "admin")
        login("admin").post(
            "/p/demo/settings/team/", {"username": guest.username, "password": "another one entirely", "role": "analyst"}
        )
        guest.refresh_from_db()
        assert guest.check_password("right horse")
        assert PoolAccess.objects.filter(user=guest).count() == 2


def test_the_same_key_with_another_file_is_refused(api):
    client = api("operator")

    def send(text, key="f1"):
        file = SimpleUploadedFile("members.csv", text.encode(), content_type="text/csv")
        return client.post(
            "/api/imports/", {"file": file, "kind": "members"}, format="multipart", headers={"Idempotency-Key": key}
        )

    first = send("手机号,姓名\n13800000001,A\n")
    assert first.status_code == 201
    assert send("手机号,姓名\n13800000002,B\n").status_code == 400
    assert send("手机号,姓名\n13800000001,A\n").json()["id"] == first.json()["id"]
    assert send("手机号,姓名\n13800000002,B\n", "f2").json()["size"] > 0


def test_the_same_key_with_another_query_is_refused(api, alice):
    client = api("operator")
    group = TagGroup.objects.create(pool=alice.pool, name="G")
    one, two = (Tag.objects.create(pool=alice.pool, group=group, name=name) for name in "ab")
    for tag in (one, two):
        assert client.post(f"/api/members/{alice.pk}/tags/", {"tag": tag.pk}, format="json").status_code == 200

    def untag(tag):
        return client.delete(f"/api/members/{alice.pk}/tags/?tag={tag.pk}", headers={"Idempotency-Key": "u1"}).status_code

    assert untag(one) == 200
    assert untag(two) == 400
    assert list(alice.tags.values_list("tag_id", flat=True)) == [two.pk]


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("/api/members/", {"name": "x", "attributes": {"a": "\x00"}}),
        ("/api/points/{}/adjust/", {"amount": 10**25, "key": "k", "reason": "r"}),
        ("/api/points/{}/spend/", {"amount": 10**25, "key": "k"}),
        ("/api/points/rules/", {**RULE, "step": 0}),
        ("/api/points/rules/", {**RULE, "points": -1}),
        ("/api/connectors/", {"key": "fake", "name": "F", "config": {"rate": "nan"}}),
        ("/api/connectors/", {"key": "email_smtp", "name": "F", "config": {"port": "inf"}}),
    ],
)
def test_what_no_column_can_hold_is_the_senders_mistake(api, alice, address, body):
    answer = api("admin").post(address.format(alice.pk), body, format="json")
    assert answer.status_code in (400, 422)
    assert answer.json()["code"]
    assert answer.json()["message"]

    def test_a_weak_password_or_a_made_up_role_is_refused(self, login, api, staff):
        page = login("admin").post("/p/demo/settings/team/", {"username": "xiaoli", "password": "1", "role": "operator"})
        assert page.status_code == 200
        answer = api("admin").post("/api/team/", {"username": "xiaoli", "password": "1", "role": "operator"})
        assert (answer.status_code, answer.json()["code"]) == (422, "password_weak")
        assert not PoolAccess.objects.filter(user__username="xiaoli").exists()
        access = PoolAccess.objects.get(user=staff["marketer"])
        assert login("admin").post(f"/p/demo/settings/team/{access.pk}/", {"role": "king"}).status_code == 302
        access.refresh_from_db()
        assert access.role == "marketer"


def test_a_nul_in_an_address_is_a_bad_request(login, pool):
    assert login("operator").get("/p/demo/members/?q=%00").status_code == 400
