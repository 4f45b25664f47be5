"""The demo's ways out: the local inbox, the local webhook receiver, a provider that is not there."""

from datetime import datetime
from typing import Any

from django.conf import settings

from members.models import Pool
from segmentation.models import Segment
from segmentation.segments import computing
from segmentation.segments import services as segments
from touchpoints import accounts, services
from touchpoints.models import Connector

SEGMENTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "沉默与睡眠的重要会员",
        "曾经买得多、近来不来的人",
        {"all": [{"fact": "stage", "op": "in", "value": [2, 3]}, {"fact": "rfm_group", "op": "in", "value": [3, 1, 7, 5]}]},
    ),
    (
        "高频常客",
        "近 90 天至少 12 单",
        {"all": [{"fact": "orders", "op": "gte", "value": 12, "window": {"last": 90}}]},
    ),
    (
        "一周没来的高价值会员",
        "买得多、近 7 天没来、能发邮件",
        {
            "all": [
                {
                    "any": [
                        {"fact": "rfm_group", "op": "in", "value": [7, 3, 1]},
                        {"fact": "orders", "op": "gte", "value": 24, "window": {"last": 180}},
                    ]
                },
                {"fact": "amount_total", "op": "gte", "value": 150_000},
                {"not": {"fact": "orders", "op": "any", "window": {"last": 7}}},
                {
                    "any": [
                        {"fact": "category_orders", "op": "any", "of": ["MEAT"], "window": {"last": 90}},
                        {"fact": "stage", "op": "in", "value": [2, 3]},
                    ]
                },
                {"fact": "reachable", "op": "any", "value": ["email"]},
            ]
        },
    ),
)


def policy(pool: Pool) -> None:
    """No quiet hours in the demo: whoever tries it at night wants to see a campaign leave."""
    if "policy" not in pool.settings:
        services.save_policy(pool=pool, values={"quiet_start": "", "quiet_end": ""}, actor=None)


def connectors(pool: Pool) -> None:
    """Made once; the inbox's port follows the one this copy runs on."""
    sender = {"from_email": "hello@demo.example", "from_name": pool.name}
    inbox = {"host": "127.0.0.1", "port": settings.INBOX_PORT, "security": "none", **sender}
    _keep(pool, "email_smtp", "邮件 · 本机收件箱", inbox)
    _keep(pool, "webhook", "Webhook · 本机接收", {"url": "", "carrier": "email"})
    _keep(pool, "fake", "演示渠道（模拟回执）", {})


def _keep(pool: Pool, key: str, name: str, config: dict[str, Any]) -> None:
    known = Connector.objects.filter(pool=pool, name=name).first()
    if known is None or any(known.config.get(each) != value for each, value in config.items()):
        merged = {**(known.config if known else {}), **config}
        accounts.save_connector(pool=pool, key=key, name=name, config=merged, connector=known)


def saved_segments(pool: Pool) -> None:
    """Segments to begin with: saved before the states of the past are computed, so that they have a past, too."""
    for name, note, rule in SEGMENTS:
        if not Segment.objects.filter(pool=pool, name=name).exists():
            segments.save(pool=pool, name=name, note=note, rule=rule, actor=None)


def compute_segments(pool: Pool, as_of: datetime) -> None:
    """Who is in them at an instant, by the states of that instant; the last computed one is what pages show."""
    for segment in Segment.objects.filter(pool=pool, kind=Segment.Kind.LIVE).select_related("pool"):
        computing.refresh(segment=segment, as_of=as_of)
