"""The Celery app and the whole beat schedule. A task is a hint; what is due stands in PostgreSQL."""

import os

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scrm.settings")

app = Celery("scrm")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

app.conf.beat_schedule = {
    # Jobs that are due, or whose worker died.
    "jobs": {"task": "scrm.jobs.tasks.tick", "schedule": 5.0},
    # Campaigns whose time has come, members waiting at a node.
    "campaigns": {"task": "campaigns.tasks.tick", "schedule": 5.0},
    # Deliveries that can leave now, unknown outcomes to look up.
    "outbox": {"task": "touchpoints.tasks.tick", "schedule": 3.0},
    # Members with new facts, and those whose stage has become due.
    "recalculate-touched": {"task": "segmentation.tasks.recalculate_touched", "schedule": 60.0},
    # Members whose orders changed since their points were computed.
    "points": {"task": "loyalty.tasks.tick", "schedule": 30.0},
    "refresh-segments": {"task": "segmentation.tasks.refresh_live_segments", "schedule": 60.0},
    # Who entered and left, to the systems that are told.
    "segment-hooks": {"task": "segmentation.tasks.tell_hooks", "schedule": 5.0},
    "old-notices": {"task": "segmentation.tasks.forget_notices", "schedule": crontab(hour=2, minute=35)},
    "old-leaves": {"task": "segmentation.tasks.sweep_leaves", "schedule": 600.0},
    # Store codes of new orders, owners for members nobody has.
    "org": {"task": "members.tasks.keep_org", "schedule": 300.0},
    # Every night, in the pool's small hours (Asia/Shanghai).
    "recalculate-all": {"task": "segmentation.tasks.recalculate_all", "schedule": crontab(hour=3, minute=10)},
    # After it: scores of the models that are on, and those trained anew whose week is over.
    "models": {"task": "segmentation.tasks.refresh_models", "schedule": crontab(hour=3, minute=50)},
    # Visitors who are members by now, and those who never became one.
    "visitors": {"task": "members.tasks.take_visitors", "schedule": 300.0},
    "strangers": {"task": "members.tasks.forget_strangers", "schedule": crontab(hour=2, minute=20)},
    # Journals of imports that can no longer be reverted, uploaded files that are old enough.
    "old-imports": {"task": "members.tasks.forget_imports", "schedule": crontab(minute=40)},
    # Exports, answers and orders of jobs whose time is over.
    "old-copies": {"task": "members.tasks.forget_copies", "schedule": crontab(minute=50)},
    "old-merges": {"task": "members.tasks.forget_merges", "schedule": crontab(hour=2, minute=45)},
    # Tags whose time is over; rows that a merge of tags cannot be taken back with any more.
    "tags-expire": {"task": "members.tasks.expire_tags", "schedule": 300.0},
    "tag-rules": {"task": "segmentation.tasks.follow_changes", "schedule": 300.0},
    "tag-rules-nightly": {"task": "segmentation.tasks.apply_tag_rules", "schedule": crontab(hour=4, minute=30)},
    "old-tag-merges": {"task": "members.tasks.forget_tag_merges", "schedule": crontab(minute=35)},
    "communities": {"task": "members.tasks.watch_communities", "schedule": crontab(hour=4, minute=10)},
    "event-partitions": {"task": "members.tasks.keep_partitions", "schedule": crontab(hour=2, minute=0)},
    "quality": {"task": "members.tasks.count_quality", "schedule": crontab(hour=4, minute=20)},
    "pool-figures": {"task": "insights.tasks.keep_pool_figures", "schedule": crontab(minute=5)},
    "old-figures": {"task": "insights.tasks.forget_figures", "schedule": crontab(hour=2, minute=30)},
}
