"""A pool of random members for the oracle, built with models."""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pyroaring import BitMap

from campaigns.models import Campaign, JourneyVersion, Participant, Run
from loyalty.models import Entry
from members.models import (
    Community,
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
    Store,
    Tag,
    TagGroup,
)
from scrm.lib import crypto, sql
from scrm.staff.models import User
from segmentation.models import ModelVersion, Predictor, Segment, SegmentSnapshot, SegmentVersion
from tests.segmentation.rule_person import HABITS, ITEMS
from touchpoints.models import Block, Connector, Content, Delivery, Step

AS_OF = datetime(2026, 11, 1, 4, 30, 17, tzinfo=UTC)  # a Sunday noon in Shanghai
NASTY = "';DROP TABLE members_member;--"
LIVE = {"all": [{"fact": "gender", "op": "in", "value": [1, 2]}, {"fact": "orders", "op": "any"}]}
PROPERTIES = ["color", "price", "k'ey"]
TEXTS = ["上海", "杭州", "Ann", "ann", "%", "_", "{test}", "%(pool)s", NASTY, "\\", '"', "$$"]
KINDS = ["view", "add_to_cart", NASTY]
CARRIERS = {"email": "email", "sms": "phone", "wecom": "external_userid", "push": "device_id"}
HOUR = timedelta(hours=1)
# What models say.
ANSWERS: dict[str, list[float]] = {
    "churn": [0.0, 0.25, 0.5, 1.0],
    "halving": [0.125, 0.5],
    "purchases": [0.0, 1.5, 3.0, 40.0],
    "ltv": [0.0, 9900.0, 50000.5],
    "next": [0.5, 1.0, 3.0, 30.0, 90.0],
    "coupon": [0.0, 0.125, 0.5],
    "category": [0.25, 0.5],
    "clusters": [0.0, 1.0],
    **{key: [-0.125, 0.0, 0.25] for key in HABITS},
    "lookalike:1": [0.5],
    "lookalike:2": [0.5],
}


@dataclass
class Scene:
    """What the members of a pool have to do with."""

    pool: Pool
    dice: random.Random
    tags: list[Tag]
    products: list[Product]
    steps: list[Step]
    contents: list[Content]
    communities: list[Community]
    users: list[User]
    stores: list[Store]
    runs: list[Run]

    def some(self, share: float) -> bool:
        return self.dice.random() < share


def moment(dice: random.Random) -> datetime:
    """Mostly recent, sometimes on an edge, sometimes in the future; often whole hours or days apart from each other."""
    if dice.random() < 0.35:
        return AS_OF.replace(second=0) - dice.choice([1, 2, 24, 25, 48, 7 * 24, 8 * 24, 30 * 24, 31 * 24, 90 * 24]) * HOUR
    days = dice.choice([dice.uniform(0, 3), dice.uniform(0, 40), dice.uniform(0, 500), -1.5, 30.0, 90.0])
    at = AS_OF - timedelta(days=days)
    return dice.choice([at, at.replace(hour=16, minute=0, second=0, microsecond=0), at.replace(hour=15, minute=59, second=59)])


def build(pool: Pool, seed: int) -> None:
    """Forty members with everything a fact can see."""
    scene = set_up(pool, random.Random(seed), seed)
    numbers = [*sql.next_ids("members_member_id_seq", 36), 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1]
    for number in numbers:
        person(scene, number)
    live = Segment.objects.create(pool=pool, name="live", kind="live", version=1)
    SegmentVersion.objects.create(segment=live, n=1, rule=LIVE)
    listed = Segment.objects.create(pool=pool, name="list", kind="list", version=1)
    for days, found in ((90, BitMap(numbers[::4])), (0, BitMap(numbers[::3])), (-1, BitMap(numbers[::2]))):
        at = AS_OF - timedelta(days=days)
        SegmentSnapshot.objects.create(segment=listed, version=1, as_of=at, bitmap=found.serialize(), size=len(found))
    later = Segment.objects.create(pool=pool, name="later", kind="snapshot", version=1)
    SegmentSnapshot.objects.create(
        segment=later, version=1, as_of=AS_OF + timedelta(days=1), bitmap=found.serialize(), size=len(found)
    )


def set_up(pool: Pool, dice: random.Random, seed: int) -> Scene:
    for key in ANSWERS:
        row = Predictor.objects.create(pool=pool, key=key, scored_as_of=AS_OF - timedelta(days=2))
        if key in ITEMS:
            row.version = ModelVersion.objects.create(predictor=row, number=1, as_of=AS_OF, started_at=AS_OF, items=ITEMS[key])
            row.save()
    group = TagGroup.objects.create(pool=pool, name="g")
    connector = Connector.objects.create(pool=pool, key="fake", name="fake")
    goods = {"subcategory": "x", "pool": pool}
    campaigns = [Campaign.objects.create(pool=pool, name=f"c{n}", goal_days=days) for n, days in ((1, 7), (2, 30))]
    versions = [JourneyVersion.objects.create(campaign=each, n=1, graph={}) for each in campaigns]
    sources = [f"campaign:{n}:run:1:node:{seed}" for n in (1, 2)]
    return Scene(
        pool,
        dice,
        [Tag.objects.create(pool=pool, group=group, name=f"t{n}") for n in range(4)],
        [
            Product.objects.create(sku=f"p{n}", category=dice.choice(["奶粉", NASTY, ""]), brand=dice.choice(["A", "B"]), **goods)
            for n in range(5)
        ],
        [Step.objects.create(pool=pool, source=source, connector=connector, due_at=AS_OF) for source in sources],
        [Content.objects.create(pool=pool, carrier="email", name=f"c{n}", body="x") for n in range(2)],
        [Community.objects.create(pool=pool, external_id=f"g{n}", name=f"g{n}", created_at=AS_OF) for n in range(2)],
        [User.objects.create_user(f"u{n}") for n in range(2)],
        [Store.objects.create(pool=pool, code=f"s{n}", name=f"s{n}", created_at=AS_OF) for n in range(2)],
        [
            Run.objects.create(campaign=each, slot=AS_OF, version=version)
            for each, version in zip(campaigns, versions, strict=True)
        ],
    )


def person(scene: Scene, number: int) -> None:
    pool, dice = scene.pool, scene.dice
    born = dice.choice([None, date(1990, 2, 28), date(2000, 2, 29), date(1985, 11, 1), date(1985, 11, 2), date(1970, 10, 31)])
    values = [NASTY, "3", 7, 2.5, "x", None, "1e3", " 4"]
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
        owner=dice.choice([None, *scene.users]),
        store=dice.choice([None, *scene.stores]),
        attributes={key: dice.choice(values) for key in ("income", "k'ey") if scene.some(0.6)},
        joined_at=moment(dice),
        updated_at=AS_OF,
    )
    if scene.some(0.8):
        state(pool, dice, member)
    foretold(scene, member)
    for n in range(dice.choice([0, 0, 1, 2, 5])):
        order(pool, dice, member, n, scene.products)
    for n in range(dice.choice([0, 1, 4, 9])):
        event(scene, member, n)
    for tag in scene.tags:
        if scene.some(0.4):
            MemberTag.objects.create(member=member, tag=tag, at=moment(dice))
    reach(scene, member)
    social(scene, member)
    responses(scene, member)


def event(scene: Scene, member: Member, n: int) -> None:
    """Events come in bouts, so that one follows another soon."""
    dice = scene.dice
    earlier = Event.objects.filter(member=member).order_by("-id").first()
    at = (
        earlier.occurred_at + dice.choice([HOUR, 24 * HOUR, 48 * HOUR, 0 * HOUR]) if earlier and scene.some(0.6) else moment(dice)
    )
    values = ["red", "RED", NASTY, 100, 99.5, "100", True, False, "", None, {"a": 1}]
    Event.objects.create(
        pool=scene.pool,
        member=member,
        id=n,
        occurred_at=at,
        kind=dice.choice(KINDS),
        channel_id=dice.choice([None, 1, 6]),
        properties={name: dice.choice(values) for name in PROPERTIES if scene.some(0.6)},
    )


def reach(scene: Scene, member: Member) -> None:
    dice, number = scene.dice, member.pk
    for carrier, kind in CARRIERS.items():
        for purpose in ("marketing", "service"):
            if scene.some(0.5):
                granted = scene.some(0.7)
                Consent.objects.create(member=member, carrier=carrier, purpose=purpose, granted=granted, at=moment(dice))
        if scene.some(0.5):
            mark = crypto.fingerprint(f"{kind}:{number}")
            Identity.objects.create(pool=scene.pool, member=member, kind=kind, value_hash=mark, seen_at=AS_OF)
        if scene.some(0.2):
            Block.objects.create(member=member, carrier=carrier, reason="staff", at=moment(dice))


def social(scene: Scene, member: Member) -> None:
    dice = scene.dice
    for community in scene.communities:
        for n in range(dice.choice([0, 1, 2])):
            left = moment(dice) if n == 0 or scene.some(0.4) else None
            CommunityMember.objects.create(member=member, community=community, n=n, joined_at=moment(dice), left_at=left)
            CommunityEvent.objects.create(member=member, community=community, id=n, at=moment(dice), kind=dice.choice([1, 3, 3]))
    for n in range(dice.choice([0, 1, 2])):
        to = dice.choice([None, *scene.users])
        OwnerChange.objects.create(member=member, id=n, pool=scene.pool, to_user=to, at=moment(dice))
    for n in range(dice.choice([0, 1, 3])):
        kind, amount = dice.choice([("earn", 50), ("adjust", 5), ("clawback", -20), ("earn", 200)])
        Entry.objects.create(
            member=member, seq=0, pool=scene.pool, kind=kind, amount=amount, position_after=0, key=f"k{n}", at=moment(dice)
        )
        if amount > 100:
            spent = {"kind": "spend", "amount": -30, "key": f"s{n}", "at": moment(dice)}
            Entry.objects.create(member=member, seq=0, pool=scene.pool, position_after=0, **spent)


def responses(scene: Scene, member: Member) -> None:
    dice = scene.dice
    for step in scene.steps:
        if scene.some(0.5):
            tomorrow = AS_OF + 30 * HOUR
            answers = {name: dice.choice([None, moment(dice), tomorrow]) for name in ("opened_at", "clicked_at")}
            ends = {**answers, "failed_at": moment(dice) if scene.some(0.5) else None}
            Delivery.objects.create(
                pool=scene.pool,
                member=member,
                step=step,
                content=dice.choice([None, *scene.contents]),
                status=dice.choice([60, 95]),
                reason=dice.choice(["", "no_consent", NASTY]),
                next_at=moment(dice),
                sent_at=moment(dice) if scene.some(0.8) else None,
                **ends,
            )
    for run in scene.runs:
        if scene.some(0.5):
            redeemed = moment(dice) if scene.some(0.3) else None
            Participant.objects.create(
                member=member, run=run, arm=dice.choice([0, 1]), entered_at=moment(dice), node="x", redeemed_at=redeemed
            )


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
        stage_due=dice.choice([None, moment(dice), AS_OF + timedelta(days=dice.choice([0.1, 3, 7, 20, 60]))]),
        **bought,
        **scored,
    )
    if dice.random() < 0.5:
        StateChange.objects.create(
            pool=pool, member=member, kind=dice.choice([1, 2]), at=moment(dice), from_code=0, to_code=dice.randint(0, 3)
        )


def foretold(scene: Scene, member: Member) -> None:
    """What models say; some have no answer."""
    for predictor in Predictor.objects.filter(pool=scene.pool):
        if scene.some(0.7):
            known = scene.some(0.85)
            value = scene.dice.choice(ANSWERS[predictor.key]) if known else None
            rank = scene.dice.choice([1, 50, 90, 91, 100]) if known else None
            more = [0.5, scene.dice.choice([0.1, 0.6, 1.0])] if predictor.key == "purchases" else None
            code = None
            if known and predictor.key in ITEMS:
                code = scene.dice.randrange(len(ITEMS[predictor.key]))
                more = [scene.dice.choice([0.0, 0.03, 0.125, 0.41]) for _ in ITEMS[predictor.key]]
            if known and predictor.key in HABITS:
                code = scene.dice.randrange(3)
            MemberPrediction.objects.create(
                member=member, predictor_id=predictor.pk, pool=scene.pool, value=value, percentile=rank, more=more, code=code
            )


def order(pool: Pool, dice: random.Random, member: Member, n: int, products: list[Product]) -> None:
    amount = dice.choice([0, 100, 101, 9900, 50000])
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
            member=member,
            order_id=made.id,
            n=k,
            pool=pool,
            product=dice.choice(products),
            amount=dice.choice([0, 500, 9000]),
            quantity=dice.choice([1, 1, 3, 0]),
            discount=dice.choice([0, 0, 5]),
        )
