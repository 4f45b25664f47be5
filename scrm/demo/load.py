"""Loading the demo, step by step: each step is safe to repeat, so an interrupted load goes on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from django.conf import settings
from django.core.files import File

from campaigns import historic
from loyalty import services as points
from loyalty.models import DueMember, EarningRule
from members.importing import services as imports
from members.models import Channel, Identity, ImportRun, Member, Pool, PoolAccess
from scrm.demo import fields, knowing, org, reach
from scrm.demo.fields import KEYS
from scrm.demo.source import ATTRIBUTES, Source
from scrm.jobs import running
from scrm.lib import clock, sql
from scrm.staff.models import User
from scrm.staff.permissions import Role
from segmentation.recalculation import backtest
from segmentation.recalculation import services as recalculation

SLUG = "demo"
HISTORY = timedelta(days=7)  # how far apart the states of the past are
PEOPLE = {Role.ADMIN: "林管理", Role.OPERATOR: "周婷", Role.MARKETER: "陈营销", Role.ANALYST: "吴分析"}
Report = Callable[[float, str], None]  # share done 0…1, what is being done


@dataclass
class Demo:
    """One load: where it puts its files and how it tells how far it is."""

    report: Report

    def pool(self) -> Pool:
        return Pool.objects.get_or_create(slug=SLUG, defaults={"name": "演示会员池", "is_demo": True})[0]

    def load(self) -> Pool:
        """Everything; a pool that was loaded already is left as it is."""
        pool = self.pool()
        reach.connectors(pool)
        reach.policy(pool)
        if pool.settings.get("demo_loaded"):
            return pool
        steps = list(self._steps(pool))
        total = sum(weight for weight, *_rest in steps)
        done = 0.0
        for weight, text, step in steps:
            self.report(done / total, text)
            step()
            done += weight
        self._mark(pool)
        self.report(1.0, "演示数据已就绪")
        return pool

    def _mark(self, pool: Pool) -> None:
        pool.refresh_from_db()
        pool.settings["demo_loaded"] = clock.now().isoformat()
        pool.save(update_fields=["settings"])

    def _steps(self, pool: Pool) -> Iterator[tuple[float, str, Callable[[], Any]]]:
        source = Source(clock.now().astimezone(pool.zone).date() - timedelta(days=1))
        yield 1, "员工与角色", lambda: staff(pool)
        yield 1, "积分规则", lambda: earning_rule(pool, source)
        yield 1, "自定义字段", lambda: fields.declare(pool)
        yield 4, "商品", lambda: self._import(pool, "products", source.products)
        yield 2, "会员", lambda: self._import(pool, "members", source.members)
        yield 12, "订单", lambda: self._import(pool, "orders", source.orders)
        yield 40, "订单行", lambda: self._import(pool, "lines", source.lines)
        yield 1, "核销记录", lambda: self._import(pool, "events", source.redemption_events)
        yield 1, "触达授权", lambda: consents(pool)
        yield 8, "积分", lambda: earn(pool)
        yield 1, "方案", lambda: knowing.schemes(pool)
        yield 1, "分群", lambda: reach.saved_segments(pool)
        yield 45, "历史状态", lambda: history(pool, source)
        yield 3, "门店、导购与社群", lambda: org.load(pool, source)
        yield 3, "历史活动", lambda: campaigns(pool, source)
        yield 1, "标签", lambda: knowing.tags(pool)
        yield 1, "模型", lambda: knowing.models(pool)

    def _import(self, pool: Pool, kind: str, frame: Callable[[], pd.DataFrame]) -> None:
        """Through the product's own import: upload, suggested mapping, check and write."""
        name = f"complete-journey-{kind}.parquet"
        if ImportRun.objects.filter(pool=pool, file_name=name, status=ImportRun.Status.DONE).exists():
            return
        path = Path(settings.DATA_DIR) / "demo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        frame().to_parquet(path, index=False)
        admin = User.objects.get(username="admin")
        with path.open("rb") as file:
            run = imports.upload(
                pool=pool, kind=kind, file=File(file, name), file_name=name, actor=admin, channel=Channel.objects.get(code="pos")
            )
        own = {f"attr:{KEYS.get(column, column)}": column for column in run.columns if column in ATTRIBUTES}
        imports.save_mapping(
            run=run, mapping={**run.mapping, **own}, options={**run.options, "demo": True}, channel=run.channel, actor=admin
        )
        job = imports.start_import(run=run, actor=admin)
        running.run(job.pk)
        job.refresh_from_db()
        if job.status != job.Status.DONE:
            raise RuntimeError(f"{name}: {job.status} {job.error}")
        path.unlink()


def staff(pool: Pool) -> None:
    """One person per role, with a password that is printed."""
    for role, name in PEOPLE.items():
        user, made = User.objects.get_or_create(username=role.value, defaults={"display_name": name, "demo_password": True})
        if made:
            user.set_password(f"demo-{role.value}")
            user.save()
        PoolAccess.objects.get_or_create(user=user, pool=pool, defaults={"role": role})


def earning_rule(pool: Pool, source: Source) -> None:
    """One point per yuan, in force since before the first order."""
    if not EarningRule.objects.filter(pool=pool).exists():
        points.save_rule(pool=pool, points=1, step=100, least=0, starts_at=_start(pool, source), actor=None)


def _start(pool: Pool, source: Source) -> datetime:
    return datetime.combine(source.first_day, time.min, pool.zone)


def consents(pool: Pool) -> None:
    """Marketing by e-mail as the member file says it, given on the day of joining."""
    sql.execute("scrm/grant_demo_consents", {"pool_id": pool.pk})


def earn(pool: Pool) -> None:
    """Points of all orders so far."""
    while DueMember.objects.filter(pool=pool).exists():
        points.earn_chunk(pool_id=pool.pk, as_of=clock.now())


def history(pool: Pool, source: Source) -> None:
    """The state of every week of the year, so that migrations and segments have a past; the last one is now."""
    instant, now = _start(pool, source) + HISTORY, clock.now()
    while instant < now:
        recalculation.recalculate(pool=pool, as_of=instant)
        reach.compute_segments(pool, instant)
        instant += HISTORY
    backtest.keep(recalculation.recalculate(pool=pool, as_of=now))
    sql.execute("scrm/forget_states_before_joining", {"pool_id": pool.pk})
    reach.compute_segments(pool, now)


def campaigns(pool: Pool, source: Source) -> None:
    """The retailer's own campaigns with their audiences and redemptions."""
    cards = dict(Identity.objects.filter(pool=pool, kind=Identity.Kind.CARD).values_list("value", "member_id"))
    audiences = source.audiences().groupby("campaign_id").card.apply(list)
    used = source.redemptions().groupby("campaign_id")
    for row in source.campaigns().sort_values("start_date").itertuples():
        redeemed = (
            used.get_group(row.campaign_id) if row.campaign_id in used.groups else pd.DataFrame({"card": [], "redeemed_at": []})
        )
        historic.bring_in(
            pool=pool,
            name=f"优惠券活动 {row.campaign_id}（{row.campaign_type}）",
            note="Complete Journey",
            started_at=_noon(pool, row.start_date.date()),
            ended_at=_noon(pool, row.end_date.date()),
            audience=[cards[card] for card in audiences.get(row.campaign_id, []) if card in cards],
            redeemed={cards[each.card]: _noon(pool, each.redeemed_at.date()) for each in redeemed.itertuples()},
            actor=None,
        )


def _noon(pool: Pool, day: date) -> datetime:
    return datetime.combine(day, time(12), pool.zone)


def counts(pool: Pool) -> dict[str, int]:
    """What is there now, for the command's last line."""
    return {"members": Member.objects.filter(pool=pool, merged_into=None).count()}
