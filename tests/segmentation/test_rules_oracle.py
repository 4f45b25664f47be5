"""Random rules over random members: SQL and bitmaps select exactly whom plain Python selects."""

import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from members.models import (
    Consent,
    Event,
    Identity,
    Member,
    MemberState,
    MemberTag,
    Order,
    OrderLine,
    Pool,
    Product,
    StateChange,
    Tag,
    TagGroup,
)
from scrm.lib import crypto, sql
from segmentation import evaluate
from segmentation.rules.catalog import facts
from segmentation.rules.parse import parse
from segmentation.rules.periods import PERIODS
from tests.segmentation.rule_oracle import Person, selects
from touchpoints.models import Connector, Delivery, Step

AS_OF = datetime(2026, 11, 1, 4, 30, 17, tzinfo=UTC)  # a Sunday noon in Shanghai
NASTY = "';DROP TABLE members_member;--"
TEXTS = ["上海", "杭州", "Ann", "ann", "%", "_", "{test}", "%(pool)s", NASTY, "\\", '"', "$$"]
KINDS = ["view", "add_to_cart", NASTY]
CARRIERS = {"email": "email", "sms": "phone", "wecom": "external_userid", "push": "device_id"}
UNTESTED = {
    "segment",
    "sample",
    "member",
    "owner",
    "home_store",
    "community",
    "points",
    "consent_service",
    "rfm_changes",
    "messages_failed",
    "messages_suppressed",
}


def moment(dice: random.Random) -> datetime:
    """Mostly recent, sometimes on an edge, sometimes in the future."""
    days = dice.choice([dice.uniform(0, 3), dice.uniform(0, 40), dice.uniform(0, 500), -1.5, 30.0, 90.0])
    at = AS_OF - timedelta(days=days)
    return dice.choice([at, at.replace(hour=16, minute=0, second=0, microsecond=0), at.replace(hour=15, minute=59, second=59)])


def build(pool: Pool, seed: int) -> None:
    """Forty members with everything a fact can see."""
    dice = random.Random(seed)
    group = TagGroup.objects.create(pool=pool, name="g")
    tags = [Tag.objects.create(pool=pool, group=group, name=f"t{n}") for n in range(4)]
    products = [
        Product.objects.create(
            pool=pool, sku=f"p{n}", category=dice.choice(["奶粉", NASTY, ""]), brand=dice.choice(["A", "B"]), subcategory="x"
        )
        for n in range(5)
    ]
    connector = Connector.objects.create(pool=pool, key="fake", name="fake")
    steps = [
        Step.objects.create(pool=pool, source=f"campaign:{n}:run:1:node:{seed}", connector=connector, due_at=AS_OF)
        for n in (1, 2)
    ]
    numbers = [*sql.next_ids("members_member_id_seq", 36), 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1]
    for number in numbers:
        person(pool, dice, number, tags, products, steps)


def person(pool: Pool, dice: random.Random, number: int, tags: list[Tag], products: list[Product], steps: list[Step]) -> None:
    born = dice.choice([None, date(1990, 2, 28), date(2000, 2, 29), date(1985, 11, 1), date(1985, 11, 2), date(1970, 10, 31)])
    attributes = {
        key: dice.choice([NASTY, "3", 7, 2.5, "x", None, "1e3", " 4", True]) for key in ("income", "k'ey") if dice.random() < 0.6
    }
    attributes = {key: value for key, value in attributes.items() if value is not True}
    member = Member.objects.create(
        id=number,
        pool=pool,
        name=dice.choice(["", *TEXTS]),
        city=dice.choice(["", *TEXTS]),
        province=dice.choice(["", "浙江"]),
        gender=dice.choice([0, 1, 2]),
        status=dice.choice([1, 2]),
        birthday=born,
        channel_id=dice.choice([None, 1, 6]),
        attributes=attributes,
        joined_at=moment(dice),
        updated_at=AS_OF,
    )
    if dice.random() < 0.8:
        state(pool, dice, member)
    for n in range(dice.choice([0, 0, 1, 2, 5])):
        order(pool, dice, member, n, products)
    for n in range(dice.choice([0, 1, 4])):
        Event.objects.create(
            pool=pool, member=member, id=n, occurred_at=moment(dice) + timedelta(microseconds=n), kind=dice.choice(KINDS)
        )
    for tag in tags:
        if dice.random() < 0.4:
            MemberTag.objects.create(member=member, tag=tag, at=moment(dice))
    for carrier, kind in CARRIERS.items():
        if dice.random() < 0.5:
            Consent.objects.create(member=member, carrier=carrier, purpose="marketing", granted=dice.random() < 0.7, at=AS_OF)
        if dice.random() < 0.5:
            mark = crypto.fingerprint(f"{kind}:{number}")
            Identity.objects.create(pool=pool, member=member, kind=kind, value_hash=mark, seen_at=AS_OF)
    for step in steps:
        if dice.random() < 0.5:
            sent = moment(dice)
            opened = moment(dice) if dice.random() < 0.5 else None
            Delivery.objects.create(pool=pool, member=member, step=step, status=60, next_at=AS_OF, sent_at=sent, opened_at=opened)


def state(pool: Pool, dice: random.Random, member: Member) -> None:
    count = dice.choice([0, 1, 3])
    bought = (
        {"amount_total": dice.randrange(1, 50000), "first_order_at": moment(dice), "last_order_at": moment(dice)} if count else {}
    )
    scored = (
        {"r": dice.randint(1, 5), "f": dice.randint(1, 5), "m": dice.randint(1, 5), "rfm_group": dice.randint(0, 7)}
        if count
        else {}
    )
    MemberState.objects.create(
        member=member,
        pool=pool,
        order_count=count,
        stage=dice.randint(0, 4),
        interval_days=12.5 if count > 1 else None,
        **bought,
        **scored,
    )
    if dice.random() < 0.5:
        StateChange.objects.create(
            pool=pool, member=member, kind=dice.choice([1, 2]), at=moment(dice), from_code=0, to_code=dice.randint(0, 3)
        )


def order(pool: Pool, dice: random.Random, member: Member, n: int, products: list[Product]) -> None:
    amount = dice.choice([0, 100, 9900, 50000])
    made = Order.objects.create(
        member=member,
        id=member.pk * 10 + n,
        pool=pool,
        channel_id=dice.choice([1, 6]),
        number=str(n),
        status=dice.choice([1, 1, 1, 2, 3]),
        placed_at=moment(dice),
        amount=amount,
        refunded=dice.choice([0, 0, amount]),
        discount=dice.choice([0, 5]),
        store=dice.choice(["", "S1", NASTY]),
    )
    for k in range(dice.choice([0, 1, 3])):
        OrderLine.objects.create(
            member=member, order_id=made.id, n=k, pool=pool, product=dice.choice(products), amount=dice.choice([0, 500, 9000])
        )


def world(pool: Pool) -> dict[int, Person]:
    """The rows as the oracle wants them."""
    lists = ("orders", "lines", "events", "tags", "changes", "messages")
    people: dict[int, Person] = {
        row["id"]: {"member": row, "state": None, "consent": set(), "identity": set()} | {key: [] for key in lists}
        for row in Member.objects.filter(pool=pool).values()
    }
    for key, model in (("orders", Order), ("events", Event), ("changes", StateChange)):
        for row in model.objects.filter(pool=pool).values():
            people[row["member_id"]][key].append(row)
    for row in MemberState.objects.filter(pool=pool).values():
        people[row["member_id"]]["state"] = row
    for row in MemberTag.objects.values():
        people[row["member_id"]]["tags"].append(row)
    for member_id, kind in Identity.objects.filter(pool=pool).values_list("member_id", "kind"):
        people[member_id]["identity"].add(kind)
    for member_id, carrier in Consent.objects.filter(granted=True).values_list("member_id", "carrier"):
        people[member_id]["consent"].add(carrier)
    for row in Delivery.objects.filter(pool=pool).values("member_id", "sent_at", "opened_at", "clicked_at", "step__source"):
        people[row["member_id"]]["messages"].append({**row, "sender": ":".join(row["step__source"].split(":")[:2])})
    _lines(people)
    for found in people.values():
        found["reachable"] = {carrier for carrier in found["consent"] if CARRIERS[carrier] in found["identity"]}
    return people


def _lines(people: dict[int, Person]) -> None:
    products = {row["id"]: row for row in Product.objects.values()}
    orders = defaultdict(dict)
    for number, found in people.items():
        orders[number] = {row["id"]: row for row in found["orders"] if row["status"] == 1}
    for row in OrderLine.objects.values():
        if above := orders[row["member_id"]].get(row["order_id"]):
            product = products[row["product_id"]]
            extra = {key: product[key] for key in ("category", "subcategory", "brand")}
            people[row["member_id"]]["lines"].append({**row, **extra, "product": product["id"], "placed_at": above["placed_at"]})


# -- Rules -----------------------------------------------------------------------------------------
WINDOWS = st.one_of(
    st.builds(
        lambda n, unit: {"last": n, "unit": unit},
        st.sampled_from([1, 2, 7, 30, 90]),
        st.sampled_from(["days", "hours", "weeks", "months"]),
    ),
    st.builds(lambda a, b: {"ago": [a, b]}, st.integers(0, 100), st.integers(0, 100)),
    st.sampled_from(sorted(PERIODS)).map(lambda name: {"period": name}),
    st.sampled_from(
        [{"from": "2026-10-02"}, {"to": "2026-10-30"}, {"from": "2026-08-01", "to": "2026-10-31"}, {"to": "2030-01-01"}]
    ),
)
NUMBERS = {
    "money": [0, 100, 5000, 9900, 50000],
    "amount": [-1, 0, 1, 100, 9900, 50000],
    "count": [-1, 0, 1, 2, 3],
    "number": [0, 1, 2.5, 3, 12.5, 30, 41, 364],
}


def condition(key: str, ids: dict[str, list[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    about = facts()[key]

    @st.composite
    def make(draw: Any) -> dict[str, Any]:
        op = draw(st.sampled_from(about.operators))
        made: dict[str, Any] = {"fact": key, "op": op}
        if about.subject:
            least, most = int(about.subject.required), 1 if about.subject.single else 3
            chosen = st.lists(st.sampled_from(ids[about.subject.source]), min_size=least, max_size=most, unique=True)
            if of := draw(chosen):
                made["of"] = of
        if about.takes_value(op):
            made["value"] = draw(values(about, op, ids))
        if about.takes_window(op) and (about.kind == "date" or draw(st.booleans())):
            made["window"] = draw(WINDOWS)
        return made

    return make()


def values(about: Any, op: str, ids: dict[str, list[Any]]) -> st.SearchStrategy[Any]:
    if about.kind in NUMBERS:
        numbers = st.sampled_from([n for n in NUMBERS[about.kind] if isinstance(n, int) or not about.integral])
        return st.lists(numbers, min_size=2, max_size=2).map(sorted) if op == "between" else numbers
    if about.kind == "text" and op not in ("in", "not_in"):
        return st.sampled_from(TEXTS)
    options = [choice.value for choice in about.choices] or ids[about.source]
    return st.lists(st.sampled_from(options), min_size=1, max_size=4, unique=True)


def rules(ids: dict[str, list[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    one = st.sampled_from(sorted(set(facts()) - UNTESTED)).flatmap(lambda key: condition(key, ids))
    return st.recursive(
        one,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(lambda found: {"all": found}),
            st.lists(inner, min_size=1, max_size=3).map(lambda found: {"any": found}),
            inner.map(lambda found: {"not": found}),
        ),
        max_leaves=6,
    )


def offered(pool: Pool) -> dict[str, list[Any]]:
    """Values that occur, and some that do not."""
    found: dict[str, list[Any]] = {
        "stores": ["S1", NASTY, "S9"],
        "cities": TEXTS,
        "provinces": ["浙江", "江苏", NASTY],
        "channels": [1, 6, 9],
    }
    found |= {"attributes": ["income", "k'ey", NASTY], "attribute_values": [NASTY, "3", "x", "7"], "event_kinds": KINDS}
    found |= {
        "categories": ["奶粉", NASTY],
        "subcategories": ["x", "y"],
        "brands": ["A", "B"],
        "stages": [0, 1, 2, 3],
        "rfm_groups": [0, 7],
    }
    found |= {
        "products": list(Product.objects.filter(pool=pool).values_list("pk", flat=True)),
        "message_sources": ["campaign:1", "campaign:9"],
    }
    return found | {"tags": list(Tag.objects.filter(pool=pool).values_list("pk", flat=True))}


def compare(pool: Pool, people: dict[int, Person], strategy: Any, examples: int) -> set[int]:
    """Try rules of a strategy; the sizes of what they selected."""
    sizes = set[int]()

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
    @given(strategy)
    def check(rule: dict[str, Any]) -> None:
        parse(rule)
        note(str(rule))
        expected = {number for number, found in people.items() if selects(rule, found, AS_OF)}
        found = evaluate.count(pool, rule, AS_OF)
        assert set(found.bitmap) == expected
        assert found.per_node["$"].own == len(expected)
        sizes.add(len(expected))

    check()
    return sizes


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sql_and_bitmaps_select_whom_plain_python_selects(pool: Pool, other_pool: Pool, seed: int) -> None:
    build(pool, seed)
    sizes = compare(pool, world(pool), rules(offered(pool)), 250)
    assert len(sizes) > 20  # the rules told members apart


def test_every_fact_alone(pool: Pool) -> None:
    build(pool, 7)
    people, ids = world(pool), offered(pool)
    for key in sorted(set(facts()) - UNTESTED):
        compare(pool, people, condition(key, ids), 20)
