"""Which row of another pool each address of one row shows, and what a write needs before it looks for its row."""

import re
from typing import Any

from tests.architecture.addresses import API, NAMED, PAGES, Address

ID = r"^(pk|layer|number|.+_pk|.+_id)$"
# First match wins: beginning of the route → which object each of its ids is.
CASES: dict[str, dict[str, str]] = {
    "members/exports/{job_id}/": {"job_id": "export"},
    "exports/{pk}/": {"pk": "export"},
    "erasures/{pk}/": {"pk": "erasure"},
    "privacy/unlock/{pk}/": {"pk": "admin"},
    "privacy/erasures/{pk}/": {"pk": "erasure"},
    "privacy/exports/{pk}/": {"pk": "export"},
    "privacy/members/{pk}/": {"pk": "member"},
    "members/views/{pk}/": {"pk": "view"},
    "members/bulk/{pk}/": {"pk": "bulk"},
    "bulk-acts/{pk}/": {"pk": "bulk"},
    "member-views/{pk}/": {"pk": "view"},
    "members/{pk}/orders/{order_id}/": {"pk": "member", "order_id": "order"},
    "members/merges/apart/{pk}/": {"pk": "apart"},
    "members/merges/{pk}/": {"pk": "merge"},
    "merges/{pk}/": {"pk": "merge"},
    "not-same/{pk}/": {"pk": "apart"},
    "members/{pk}/notes/{number}/": {"pk": "member", "number": "note"},
    "notes/{pk}/": {"pk": "note"},
    "tasks/{number}/": {"number": "task"},
    "tasks/{pk}/": {"pk": "task"},
    "settings/sites/{pk}/": {"pk": "site"},
    "sites/{pk}/": {"pk": "site"},
    "reach/members/{pk}/": {"pk": "member"},
    "members/{pk}/": {"pk": "member"},
    "tags/groups/{group_pk}/{pk}/": {"group_pk": "group", "pk": "tag"},
    "tags/groups/{group_pk}/": {"group_pk": "group"},
    "tags/groups/{pk}/": {"pk": "group"},
    "tags/rules/{pk}/": {"pk": "tag_rule"},
    "tags/merges/{pk}/": {"pk": "tag_merge"},
    "tags/{pk}/": {"pk": "tag"},
    "tag-rules/{pk}/": {"pk": "tag_rule"},
    "tag-merges/{pk}/": {"pk": "tag_merge"},
    "tag-groups/{pk}/": {"pk": "group"},
    "imports/mappings/{pk}/": {"pk": "mapping"},
    "oneid/reviews/{pk}/": {"pk": "review"},
    "oneid/guard/{pk}/": {"pk": "guard"},
    "oneid/guards/{pk}/": {"pk": "guard"},
    "oneid/searches/{pk}/": {"pk": "search"},
    "imports/{pk}/": {"pk": "file"},
    "connectors/{pk}/": {"pk": "connector"},
    "contents/{pk}/": {"pk": "content"},
    "steps/{pk}/": {"pk": "step"},
    "reach/blocks/{member_id}/": {"member_id": "member"},
    "points/{member_id}/": {"member_id": "member"},
    "points/{pk}/": {"pk": "member"},
    "segments/{pk}/hooks/{hook_id}/": {"pk": "segment", "hook_id": "hook"},
    "segments/{pk}/": {"pk": "segment"},
    "segment-hooks/{pk}/": {"pk": "hook"},
    "segments/standings/{pk}/": {"pk": "scheme"},
    "schemes/{pk}/": {"pk": "scheme"},
    "campaigns/{pk}/layers/{layer}/": {"pk": "campaign", "layer": "layer"},
    "campaigns/{pk}/": {"pk": "campaign"},
    "jobs/{job_id}/": {"job_id": "job"},
    "jobs/{pk}/": {"pk": "job"},
    "settings/team/{access_id}/": {"access_id": "access"},
    "team/{pk}/": {"pk": "access"},
    "settings/tokens/{token_id}/": {"token_id": "token"},
    "settings/fields/{pk}/": {"pk": "field"},
    "attribute-fields/{pk}/": {"pk": "field"},
    "settings/pool/restore/{pk}/": {"pk": "archived"},
    "pools/{pk}/": {"pk": "pool"},
    "stores/{pk}/": {"pk": "store"},
    "communities/{pk}/": {"pk": "community"},
    "staff/{user_id}/": {"user_id": "admin"},
    "staff/{pk}/": {"pk": "admin"},
    "handovers/{pk}/": {"pk": "handover"},
    "owners/{pk}/": {"pk": "member"},
}
WORDS = {
    "tab/{key}/": {"key": "orders"},
    "panels/{key}/": {"key": "points"},
    "identities/remove/": {},
    "{hook_id}/{what}/": {"what": "switch"},
}
# What a write needs before it looks for its row; without it the answer would be 400 for anybody.
BODIES: dict[str, dict[str, Any]] = {
    "api/staff/{pk}/leave/": {"on": "2026-10-01"},
    "api/stores/{pk}/close/": {"on": "2026-10-01"},
    "api/communities/{pk}/happenings/": {"items": []},
    "api/imports/mappings/{pk}/": {"name": "会员导出 2"},
    "api/imports/{pk}/mapping/": {"mapping": {"name": "姓名"}},
    "api/imports/{pk}/steer/": {"what": "cancel"},
    "api/jobs/{pk}/steer/": {"what": "cancel"},
    "api/segments/{pk}/add/": {"members": ["1"]},
    "api/segments/{pk}/remove/": {"members": ["1"]},
    "api/segments/{pk}/freeze/": {"name": "x"},
    "api/segments/{pk}/roll-back/": {"version": 1},
    "api/team/{pk}/": {"role": "analyst"},
    "api/members/{pk}/identities/": {"kind": "card_no", "value": "C77"},
    "api/members/{pk}/consents/": {"carrier": "sms", "purpose": "marketing", "granted": True},
    "api/points/{pk}/adjust/": {"amount": 5, "reason": "x", "key": "k1"},
    "api/points/{pk}/spend/": {"amount": 1, "reason": "x", "key": "k2"},
}


def case_of(address: Address) -> dict[str, str] | None:
    route = address.route.removeprefix("api/")
    return next((case for start, case in CASES.items() if route.startswith(start)), None)


def ids_of(address: Address) -> set[str]:
    return {name for name in address.names if re.match(ID, name)}


DETAILS = [address for address in [*PAGES, *API] if ids_of(address) and address.route not in NAMED]


def path_of(address: Address, slug: str, theirs: dict[str, Any]) -> str:
    case = case_of(address)
    assert case is not None
    ids = {name: _id(theirs[case[name]]) for name in case if name in address.names}
    words = next((words for end, words in WORDS.items() if address.route.endswith(end)), {})
    return address.path(slug, **ids, **words)


def _id(row: Any) -> int:
    return int(row.id if isinstance(row.pk, tuple) else row.pk)
