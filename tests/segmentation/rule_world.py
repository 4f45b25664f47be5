"""The random members of a pool read back, as the plain rows that the oracle wants."""

import zlib
from datetime import datetime
from typing import Any

from pyroaring import BitMap

from campaigns.models import Participant, Run
from loyalty.models import Account, Entry
from members.models import (
    CommunityEvent,
    CommunityMember,
    Consent,
    Event,
    Identity,
    Member,
    MemberPrediction,
    MemberState,
    MemberTag,
    Order,
    OrderLine,
    OwnerChange,
    Pool,
    Product,
    StateChange,
)
from segmentation.models import Predictor, Segment
from tests.segmentation.rule_oracle import selects
from tests.segmentation.rule_people import AS_OF, CARRIERS, LIVE
from tests.segmentation.rule_rows import ZONE, Person
from touchpoints.models import Block, Delivery

OWN_ROWS: dict[str, Any] = {
    "orders": Order,
    "events": Event,
    "changes": StateChange,
    "tags": MemberTag,
    "consents": Consent,
    "blocks": Block,
    "stays": CommunityMember,
    "spoken": CommunityEvent,
    "owner_changes": OwnerChange,
    "entries": Entry,
}


def world(pool: Pool) -> dict[int, Person]:
    """The rows as the oracle wants them."""
    people: dict[int, Person] = {row["id"]: blank(row) for row in Member.objects.filter(pool=pool).values()}
    for key, model in OWN_ROWS.items():
        for row in model.objects.filter(member__pool=pool).values():
            people[row["member_id"]][key].append(row)
    for row in MemberState.objects.filter(pool=pool).values():
        people[row["member_id"]]["state"] = row
    keys = {each.pk: (each.key, each.scored_as_of) for each in Predictor.objects.filter(pool=pool)}
    for row in MemberPrediction.objects.filter(pool=pool).values():
        key, at = keys[row["predictor_id"]]
        people[row["member_id"]]["predictions"][key] = {**row, "scored_as_of": at}
    for member_id, kind in Identity.objects.filter(pool=pool).values_list("member_id", "kind"):
        people[member_id]["identity"].add(kind)
    for row in Account.objects.filter(pool=pool).values("member_id", "position"):
        people[row["member_id"]]["position"] = row["position"]
    for row in Participant.objects.filter(member__pool=pool).values():
        run = Run.objects.select_related("campaign").get(pk=row["run_id"])
        more = {"campaign": run.campaign_id, "goal_days": run.campaign.goal_days, "facets": {"arm": row["arm"]}}
        people[row["member_id"]]["parts"].append({**row, **more})
    _messages(pool, people)
    _lines(people)
    listed = {segment.pk: _fixed_members(segment) for segment in Segment.objects.filter(pool=pool).exclude(kind="live")}
    live = Segment.objects.get(pool=pool, kind="live").pk
    for number, found in people.items():
        derive(found)
        found["everybody"] = people.values()
        found["lot"] = lot(number)
        found["segments"] = {pk for pk, inside in listed.items() if number in inside} | (
            {live} if selects(LIVE, found, AS_OF) else set()
        )
    return people


def _fixed_members(segment: Segment) -> set[int]:
    """Who was on it on the day asked for."""
    kept = [row for row in segment.snapshots.all() if row.as_of.astimezone(ZONE).date() <= AS_OF.astimezone(ZONE).date()]
    return set(BitMap.deserialize(bytes(max(kept, key=lambda row: row.as_of).bitmap))) if kept else set()


def blank(row: dict[str, Any]) -> Person:
    return {"member": row, "state": None, "identity": set(), "position": 0, "predictions": {}} | {
        key: [] for key in (*OWN_ROWS, "lines", "messages", "parts")
    }


def derive(found: Person) -> None:
    """What follows from the rows."""
    said = found["consents"]
    found["agreed"] = [row for row in said if row["granted"] and row["purpose"] == "marketing"]
    found["served"] = [row for row in said if row["granted"] and row["purpose"] == "service"]
    found["refused"] = [row for row in said if not row["granted"] and row["purpose"] == "marketing"]
    found["reachable"] = {row["carrier"] for row in found["agreed"] if CARRIERS[row["carrier"]] in found["identity"]}
    found["leavings"] = [row for row in found["stays"] if row["left_at"]]
    found["stays"] = [row for row in found["stays"] if not row["left_at"]]
    found["spoken"] = [row for row in found["spoken"] if row["kind"] == 3]
    for row in found["events"]:
        row["facets"] = {"channel": row["channel_id"], **clock(row["occurred_at"])}
    for row in found["entries"]:
        row["facets"] = {"kind": row["kind"]}


def clock(at: datetime) -> dict[str, int]:
    local = at.astimezone(ZONE)
    return {"weekday": local.isoweekday(), "hour": local.hour}


def lot(number: int) -> int:
    """splitmix64 of the id and of the CRC of "sample", in plain whole numbers."""
    wide = 2**64 - 1
    mixed = (number + zlib.crc32(b"sample") * 0x9E3779B97F4A7C15) & wide
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & wide
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & wide
    return (mixed ^ (mixed >> 31)) % 1_000_000


def _messages(pool: Pool, people: dict[int, Person]) -> None:
    for delivery in Delivery.objects.filter(pool=pool).select_related("step"):
        row = {name: getattr(delivery, name) for name in ("sent_at", "opened_at", "clicked_at", "failed_at", "next_at", "status")}
        step = delivery.step
        facets = {"step": step.source, "content": delivery.content_id, "connector": step.connector_id, "reason": delivery.reason}
        sender = ":".join(step.source.split(":")[:2])
        people[delivery.member_id]["messages"].append({**row, "sender": sender, "facets": facets})


def _lines(people: dict[int, Person]) -> None:
    products = {row["id"]: row for row in Product.objects.values()}
    for found in people.values():
        for row in found["orders"]:
            row["net"] = row["amount"] - row["refunded"]
            bought = {"channel": row["channel_id"], "store": row["store"], **clock(row["placed_at"])}
            flags = {"discounted": row["discount"] > 0, "refunded": row["refunded"] > 0, "amount": row["net"]}
            row["facets"] = {**bought, **flags, **{key: set() for key in ("category", "subcategory", "brand", "product")}}
        paid = {row["id"]: row for row in found["orders"]}
        for row in OrderLine.objects.filter(member_id=found["member"]["id"]).values():
            above, product = paid[row["order_id"]], products[row["product_id"]]
            kinds = {key: product[key] for key in ("category", "subcategory", "brand")} | {"product": product["id"]}
            for key, value in kinds.items():
                above["facets"][key].add(value)
            if above["status"] == 1:
                price = row["amount"] // row["quantity"] if row["quantity"] else None
                facets = {**above["facets"], **kinds, "price": price, "discounted": row["discount"] > 0 or above["discount"] > 0}
                found["lines"].append({**row, **kinds, "placed_at": above["placed_at"], "facets": facets})
